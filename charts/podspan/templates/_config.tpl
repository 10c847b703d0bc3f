{{/* Where a file of an exporter is mounted, below the directory of the configuration. */}}
{{- define "podspan.exporterFile" -}}
{{- printf "exporters/%s/%s" .exporter .file }}
{{- end }}

{{/* One exporter as `podspan controller` reads it. Takes {name, exporter}. */}}
{{- define "podspan.exporter" -}}
{{- $name := .name -}}
{{- $directory := include "podspan.configDirectory" . -}}
{{- $out := omit .exporter "headersFromSecrets" "tls" -}}
{{- $files := dict -}}
{{- range $header, $_ := .exporter.headersFromSecrets | default dict -}}
{{- $_ := set $files $header (printf "%s/%s" $directory (include "podspan.exporterFile" (dict "exporter" $name "file" (printf "headers/%s" $header)))) -}}
{{- end -}}
{{- if $files }}{{ $_ := set $out "headersFromFiles" $files }}{{ end -}}
{{- $tls := dict -}}
{{- range $part, $value := .exporter.tls | default dict -}}
{{- if kindIs "map" $value -}}
{{- $_ := set $tls $part (printf "%s/%s" $directory (include "podspan.exporterFile" (dict "exporter" $name "file" (printf "tls/%s" $part)))) -}}
{{- else -}}
{{- $_ := set $tls $part $value -}}
{{- end -}}
{{- end -}}
{{- if $tls }}{{ $_ := set $out "tls" $tls }}{{ end -}}
{{- toYaml $out }}
{{- end }}

{{- define "podspan.exporters" -}}
{{- $out := dict -}}
{{- range $name, $exporter := .Values.exporters -}}
{{- $_ := set $out $name (include "podspan.exporter" (dict "name" $name "exporter" $exporter) | fromYaml) -}}
{{- end -}}
{{- toYaml $out }}
{{- end }}

{{/* The configuration but for the exporters, which are read again when they change: a change of the rest needs a new pod. */}}
{{- define "podspan.fixedConfig" -}}
{{- $out := dict
  "namespaces" .Values.namespaces
  "watch" .Values.watch
  "startTimeout" .Values.startTimeout
  "settle" .Values.settle
  "serviceName" .Values.serviceName
  "ring" .Values.ring
  "log" .Values.log
  "metrics" (pick .Values.metrics "workloadsMax" "nodesMax")
  "leaderElection" (merge (dict "leaseName" (include "podspan.fullname" .)) .Values.leaderElection)
  "server" (dict "address" "0.0.0.0" "port" .Values.metrics.port)
  "page" (omit .Values.page "viewers")
-}}
{{- if .Values.receiver.enabled }}{{ $_ := set $out "receiver" (include "podspan.receiver" . | fromYaml) }}{{ end -}}
{{- if include "podspan.hasWebhook" . -}}
{{- $directory := printf "%s/webhook" (include "podspan.configDirectory" .) -}}
{{- $tls := dict "cert" (printf "%s/tls.crt" $directory) "key" (printf "%s/tls.key" $directory) -}}
{{- $_ := set $out "webhook" (dict "enabled" true "port" .Values.injection.webhook.port "tls" $tls) -}}
{{- end -}}
{{- with .Values.cluster.name }}{{ $_ := set $out "clusterName" . }}{{ end -}}
{{- with .Values.links.traceURLTemplate }}{{ $_ := set $out "links" (dict "traceURLTemplate" .) }}{{ end -}}
{{- if include "podspan.hasStandingSession" . -}}
{{- $_ := set $out "standingSession" (include "podspan.standingSpec" . | fromYaml) -}}
{{- end -}}
{{- toYaml $out }}
{{- end }}

{{/* The receiver as `podspan controller` reads it. */}}
{{- define "podspan.receiver" -}}
{{- $out := omit .Values.receiver "tls" "token" "service" -}}
{{- $directory := printf "%s/receiver" (include "podspan.configDirectory" .) -}}
{{- $tls := dict -}}
{{- if .Values.receiver.tls.secret -}}
{{- $tls = dict "cert" (printf "%s/tls.crt" $directory) "key" (printf "%s/tls.key" $directory) -}}
{{- end -}}
{{- if .Values.receiver.tls.clientCA }}{{ $_ := set $tls "ca" (printf "%s/client-ca.crt" $directory) }}{{ end -}}
{{- if $tls }}{{ $_ := set $out "tls" $tls }}{{ end -}}
{{- if .Values.receiver.token }}{{ $_ := set $out "tokenFile" (printf "%s/token" $directory) }}{{ end -}}
{{- toYaml $out }}
{{- end }}

{{- define "podspan.standingSpec" -}}
{{- $spec := dict
  "allPods" true
  "namespaceSelector" (dict)
  "completion" (dict "when" "Never")
  "exporter" .Values.standingSession.exporter
-}}
{{- toYaml (mergeOverwrite $spec .Values.standingSession.spec) }}
{{- end }}

{{/* A source of the projected volume from {configMap or secret, key}. Takes {reference, path, defaultKey}. */}}
{{- define "podspan.projected" -}}
{{- $reference := .reference -}}
{{- $kind := ternary "secret" "configMap" (hasKey $reference "secret") -}}
- {{ $kind }}:
    name: {{ get $reference $kind | quote }}
    items:
      - key: {{ $reference.key | default .defaultKey | quote }}
        path: {{ .path | quote }}
{{- end }}

{{/* Everything that is mounted into the directory of the configuration; one volume, so that what changes shows without a restart. */}}
{{- define "podspan.configSources" -}}
- configMap:
    name: {{ include "podspan.fullname" . | quote }}
    items:
      - key: config.yaml
        path: config.yaml
{{- range $name, $exporter := .Values.exporters }}
{{- range $header, $reference := $exporter.headersFromSecrets | default dict }}
{{ include "podspan.projected" (dict "reference" $reference "defaultKey" $header "path" (include "podspan.exporterFile" (dict "exporter" $name "file" (printf "headers/%s" $header)))) }}
{{- end }}
{{- range $part, $reference := $exporter.tls | default dict }}
{{- if kindIs "map" $reference }}
{{ include "podspan.projected" (dict "reference" $reference "defaultKey" (get (dict "ca" "ca.crt" "cert" "tls.crt" "key" "tls.key") $part) "path" (include "podspan.exporterFile" (dict "exporter" $name "file" (printf "tls/%s" $part)))) }}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.receiver.enabled }}
{{- with .Values.receiver.tls.secret }}
- secret:
    name: {{ . | quote }}
    items:
      - {key: tls.crt, path: receiver/tls.crt}
      - {key: tls.key, path: receiver/tls.key}
{{- end }}
{{- with .Values.receiver.tls.clientCA }}
{{ include "podspan.projected" (dict "reference" . "defaultKey" "ca.crt" "path" "receiver/client-ca.crt") }}
{{- end }}
{{- with .Values.receiver.token }}
{{ include "podspan.projected" (dict "reference" . "defaultKey" "token" "path" "receiver/token") }}
{{- end }}
{{- end }}
{{- if include "podspan.hasWebhook" . }}
- secret:
    name: {{ printf "%s-webhook" (include "podspan.fullname" .) | quote }}
    items:
      - {key: tls.crt, path: webhook/tls.crt}
      - {key: tls.key, path: webhook/tls.key}
{{- end }}
{{- with .Values.extraCA }}
{{ include "podspan.projected" (dict "reference" . "defaultKey" "ca.crt" "path" "ca/extra.crt") }}
{{- end }}
{{- end }}
