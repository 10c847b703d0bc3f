{{- define "podspan.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "podspan.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{- $name := include "podspan.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Here and below, whatever somebody may have called a number is quoted: as YAML, 2024, 1e3, on and null are no texts. */}}
{{- define "podspan.selectorLabels" -}}
app.kubernetes.io/name: {{ include "podspan.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "podspan.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{ include "podspan.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The metadata that every object has. Takes {root, and optionally name, namespace (false for none), labels, annotations}. */}}
{{- define "podspan.metadata" -}}
{{- $root := .root -}}
name: {{ .name | default (include "podspan.fullname" $root) | quote }}
{{- if not (kindIs "bool" .namespace) }}
namespace: {{ .namespace | default $root.Release.Namespace | quote }}
{{- end }}
labels:
  {{- mergeOverwrite (include "podspan.labels" $root | fromYaml) (.labels | default dict) | toYaml | nindent 2 }}
{{- with mergeOverwrite (dict) $root.Values.commonAnnotations (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "podspan.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "podspan.fullname" .) }}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "podspan.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry -}}
{{- $name := ternary .Values.image.repository (printf "%s/%s" $registry .Values.image.repository) (empty $registry) -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest }}
{{- else -}}
{{- printf "%s:%s" $name (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The namespaces whose pods are seen; empty in a cluster-wide installation. */}}
{{- define "podspan.isNamespaced" -}}
{{- if .Values.namespaces }}true{{ end }}
{{- end }}

{{/* true where Podspan itself answers API servers. */}}
{{- define "podspan.hasWebhook" -}}
{{- if and .Values.injection.enabled (eq .Values.injection.by "webhook") }}true{{ end }}
{{- end }}

{{/* true where the standing session is wanted and its exporter is there. */}}
{{- define "podspan.hasStandingSession" -}}
{{- if and .Values.standingSession.enabled (hasKey .Values.exporters .Values.standingSession.exporter) }}true{{ end }}
{{- end }}

{{- define "podspan.configDirectory" -}}/etc/podspan{{- end }}

{{/* Milliseconds of a duration such as `1m30s`. */}}
{{- define "podspan.milliseconds" -}}
{{- $units := dict "ns" 1e-6 "us" 1e-3 "µs" 1e-3 "ms" 1.0 "s" 1e3 "m" 6e4 "h" 3.6e6 -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9.]+(ns|us|µs|ms|s|m|h)" . -1 -}}
{{- $sum = addf $sum (mulf (regexFind "^[0-9.]+" .) (get $units (regexReplaceAll "^[0-9.]+" . ""))) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}
