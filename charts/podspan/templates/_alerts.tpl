{{/* An alert, unless it is disabled by name. Takes {root, name, severity, expr, for, summary, description}. */}}
{{- define "podspan.alert" -}}
{{- $rule := .root.Values.metrics.prometheusRule -}}
{{- if not (has .name $rule.disabled) }}
- alert: {{ .name }}
  expr: |-
    {{- .expr | trim | nindent 4 }}
  {{- with .for }}
  for: {{ . }}
  {{- end }}
  labels: {{ mergeOverwrite (dict "severity" .severity) $rule.alertLabels | toJson }}
  annotations:
    summary: {{ .summary | quote }}
    description: {{ .description | quote }}
    runbook_url: {{ replace "{alert}" .name $rule.runbookURL | quote }}
{{- end }}
{{- end }}

{{/* A rule group, unless it is empty. Takes {name, rules}. */}}
{{- define "podspan.ruleGroup" -}}
{{- if trim .rules }}
- name: {{ .name }}
  rules:
    {{- trim .rules | nindent 4 }}
{{- end }}
{{- end }}

{{/* A percentage as a fraction. */}}
{{- define "podspan.fraction" -}}
{{- divf . 100 -}}
{{- end }}

{{/*
Alerts on how fast an error budget is used up: two pairs of windows to wake somebody, two for working hours; the short window of each ends the alert soon
after its cause. Takes {root, slo, name, record, good, all, summary, description}.
*/}}
{{- define "podspan.burnRates" -}}
{{- $of := . -}}
{{- range $window := list "5m" "30m" "1h" "2h" "6h" "1d" "3d" }}
- record: {{ $of.record }}:ratio_rate{{ $window }}
  expr: |-
    clamp_min(1 - sum by (cluster) (rate({{ $of.good }}[{{ $window }}]))
    / (sum by (cluster) (rate({{ $of.all }}[{{ $window }}])) > 0), 0)
{{- end }}
{{- $critical := list (list 14.4 "1h" "5m") (list 6.0 "6h" "30m") }}
{{- $warning := list (list 3.0 "1d" "2h") (list 1.0 "3d" "6h") }}
{{- range $severity, $pairs := dict "critical" $critical "warning" $warning }}
{{- include "podspan.alert" (dict "root" $of.root "name" $of.name "severity" $severity "summary" $of.summary "description" $of.description "expr" (include "podspan.burnExpression" (mergeOverwrite (dict "pairs" $pairs) $of))) }}
{{- end }}
{{- end }}

{{/* Where the budget is so large that its multiple would be nearly everything, 90 % is enough. */}}
{{- define "podspan.burnExpression" -}}
{{- $of := . -}}
{{- $budget := subf 1 (divf $of.slo.objective 100) -}}
{{- range $index, $pair := $of.pairs }}
{{- $limit := minf 0.9 (mulf (index $pair 0) $budget) | printf "%.4g" }}
{{- $long := index $pair 1 }}
{{- if $index }}
or
{{- end }}
(
  {{ $of.record }}:ratio_rate{{ $long }} > {{ $limit }} and {{ $of.record }}:ratio_rate{{ index $pair 2 }} > {{ $limit }}
  and on (cluster) max by (cluster) (sum by (cluster, instance) (increase({{ $of.all }}[{{ $long }}]))) >= {{ $of.root.Values.metrics.prometheusRule.slo.minStarts }}
)
{{- end }}
{{- end }}
