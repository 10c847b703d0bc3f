{{/* What is read of pods and what belongs to them; in the whole cluster, or by Roles in the listed namespaces. */}}
{{- define "podspan.readRules" -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
{{- if .Values.watch.events }}
- apiGroups: [""]
  resources: [events]
  verbs: [get, list, watch]
{{- end }}
{{- $reads := "[get, list, watch]" }}
{{- $verbs := ternary $reads "[get]" (or .Values.watch.owners .Values.watch.rollouts) }}
# To get one is needed wherever a session has it as its target.
- apiGroups: [apps]
  resources: [replicasets, deployments, statefulsets, daemonsets]
  verbs: {{ $verbs }}
- apiGroups: [batch]
  resources: [jobs]
  verbs: {{ $verbs }}
- apiGroups: [batch]
  resources: [cronjobs]
  verbs: {{ ternary $reads "[get]" .Values.watch.owners }}
{{- if .Values.watch.rollouts }}
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: {{ $reads }}
{{- end }}
{{- if .Values.watch.volumes }}
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch]
{{- end }}
{{- if .Values.watch.workloads }}
- apiGroups: [kueue.x-k8s.io]
  resources: [workloads]
  verbs: [get, list, watch]
{{- end }}
{{- if .Values.watch.deviceClaims }}
- apiGroups: [resource.k8s.io]
  resources: [resourceclaims]
  verbs: [get, list, watch]
{{- end }}
{{- range .Values.customOwners }}
- apiGroups: [{{ .apiGroup | quote }}]
  resources: {{ toJson .resources }}
  verbs: [get]
{{- end }}
{{- end }}

{{/* What sessions need: the sessions, their status, and Events that say what became of them. */}}
{{- define "podspan.sessionRules" -}}
- apiGroups: [podspan.dev]
  resources: [tracesessions]
  verbs: [get, list, watch, delete]
- apiGroups: [podspan.dev]
  resources: [tracesessions/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}

{{/* What is never in a namespace. */}}
{{- define "podspan.clusterRules" -}}
{{- if .Values.watch.nodes }}
- apiGroups: [""]
  resources: [nodes]
  verbs: [get, list, watch]
{{- end }}
{{- if .Values.watch.volumes }}
- apiGroups: [storage.k8s.io]
  resources: [volumeattachments]
  verbs: [get, list, watch]
{{- end }}
{{- if .Values.watch.nodeClaims }}
- apiGroups: [karpenter.sh]
  resources: [nodeclaims]
  verbs: [get, list, watch]
{{- end }}
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get, list, watch]
{{- end }}

{{/* What Podspan does in its own namespace: its Lease, which the chart makes first, and the standing session. */}}
{{- define "podspan.ownRules" -}}
{{- if and (include "podspan.isNamespaced" .) (not (has .Release.Namespace .Values.namespaces)) }}
# Sessions here are always seen.
{{ include "podspan.sessionRules" . }}
{{- end }}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "podspan.fullname" . | quote }}]
  verbs: [get{{ if .Values.leaderElection.enabled }}, update{{ end }}]
# Below, create has no name: what an object will be called is not known to the authorizer when it is created.
{{- if .Values.leaderElection.enabled }}
# For when somebody has deleted the Lease.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- end }}
{{- if include "podspan.hasStandingSession" . }}
- apiGroups: [podspan.dev]
  resources: [tracesessions]
  verbs: [create]
{{- end }}
- apiGroups: [podspan.dev]
  resources: [tracesessions]
  resourceNames: [standing]
  verbs: [get, patch, delete]
{{- end }}

{{/* A Role and its binding. Takes {root, name, namespace, rules}. */}}
{{- define "podspan.role" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- include "podspan.metadata" (pick . "root" "name" "namespace") | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- include "podspan.metadata" (pick . "root" "name" "namespace") | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name | quote }}
{{ include "podspan.subjects" .root }}
{{- end }}

{{- define "podspan.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "podspan.serviceAccountName" . | quote }}
    namespace: {{ .Release.Namespace | quote }}
{{- end }}
