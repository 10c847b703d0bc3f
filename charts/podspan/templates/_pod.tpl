{{/* What the Deployment's pods and the pod of `helm test` have in common. */}}
{{- define "podspan.podBasics" -}}
serviceAccountName: {{ include "podspan.serviceAccountName" . | quote }}
automountServiceAccountToken: true
# Without it every Service of the namespace would set variables, some of them with our prefix.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "podspan.containerBasics" -}}
image: {{ include "podspan.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
env:
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  {{- include "podspan.environment" . | nindent 2 }}
volumeMounts:
  - name: config
    mountPath: {{ include "podspan.configDirectory" . }}
    readOnly: true
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "podspan.environment" -}}
{{- with .Values.proxy }}
{{- if .http }}
- name: HTTP_PROXY
  value: {{ .http | quote }}
{{- end }}
{{- if .https }}
- name: HTTPS_PROXY
  value: {{ .https | quote }}
{{- end }}
{{- if or .http .https }}
- name: NO_PROXY
  value: {{ join "," (compact (list "$(KUBERNETES_SERVICE_HOST)" "kubernetes.default.svc" .none)) | quote }}
{{- end }}
{{- end }}
{{- if .Values.extraCA }}
- name: NODE_EXTRA_CA_CERTS
  value: {{ include "podspan.configDirectory" . }}/ca/extra.crt
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "podspan.volumes" -}}
- name: config
  projected:
    defaultMode: 0444
    sources:
      {{- include "podspan.configSources" . | nindent 6 }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "podspan.spread" -}}
{{- if .Values.topologySpreadConstraints -}}
{{- toYaml .Values.topologySpreadConstraints }}
{{- else if gt (int .Values.replicas) 1 -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "podspan.selectorLabels" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}
