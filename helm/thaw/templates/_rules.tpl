{{- define "thaw.series" -}}
{{- default (printf "namespace=%q,job=%q" .Release.Namespace .Release.Name) .Values.monitoring.rules.selector }}
{{- end }}

{{- /* [root, window] -> mean seconds that a photograph waited: a rate, so that it falls again as well */}}
{{- define "thaw.queueWait" -}}
{{- $of := printf "{%s,step=\"queue\"}[%s]" (include "thaw.series" (index . 0)) (index . 1) -}}
sum(rate(thaw_step_seconds_sum{{ $of }})) / sum(rate(thaw_step_seconds_count{{ $of }}))
{{- end }}

{{- define "thaw.rules" -}}
{{- $rules := .Values.monitoring.rules }}{{- $of := include "thaw.series" . }}{{- $root := . }}
{{- /* routes that take a photograph: what a probe or a scrape hears is no answer to a client */}}
{{- $asked := printf "%s,route=~\"predict|compare|inference|torchserve|torchserve-explanations\"" $of }}
{{- $bad := "outcome=~\"error|unavailable|deadline|shed\"" }}
{{- $gone := "outcome!=\"gone\"" }}
- name: thaw.recorded
  rules:
    {{- range $window := list "5m" "30m" "1h" "6h" }}
    - record: thaw:requests_failed:ratio_{{ $window }}
      expr: |-
        sum by (namespace, job) (rate(thaw_requests_total{ {{- $asked }},{{ $bad }}}[{{ $window }}]))
        / sum by (namespace, job) (rate(thaw_requests_total{ {{- $asked }},{{ $gone }}}[{{ $window }}]))
    - record: thaw:answers_late:ratio_{{ $window }}
      expr: |-
        1 - sum by (namespace, job) (rate(thaw_step_seconds_bucket{ {{- $of }},step="total",le="{{ $rules.latencySeconds }}"}[{{ $window }}]))
        / sum by (namespace, job) (rate(thaw_step_seconds_count{ {{- $of }},step="total"}[{{ $window }}]))
    {{- end }}
    - record: thaw:queue_wait_seconds:mean_5m
      expr: {{ include "thaw.queueWait" (list . "5m") }}
- name: thaw.objectives
  rules:
    {{- range $objective := list (dict "what" "Errors" "series" "requests_failed" "budget" (subf 1.0 $rules.availability)) (dict "what" "Latency" "series" "answers_late" "budget" (subf 1.0 $rules.latencyPart)) }}
    {{- range $speed := list (dict "name" "Fast" "factor" 14.4 "long" "1h" "short" "5m" "severity" "critical") (dict "name" "Slow" "factor" 6 "long" "6h" "short" "30m" "severity" "warning") }}
    {{- $limit := printf "%.6g" (mulf $objective.budget $speed.factor) }}
    - alert: Thaw{{ $objective.what }}Burn{{ $speed.name }}
      expr: thaw:{{ $objective.series }}:ratio_{{ $speed.long }} > {{ $limit }} and thaw:{{ $objective.series }}:ratio_{{ $speed.short }} > {{ $limit }}
      for: 2m
      {{- include "thaw.told" (list $root $speed.severity (printf "%s use up the budget %v times too fast" (ternary "Failed requests" "Late answers" (eq $objective.what "Errors")) $speed.factor) (printf "Thaw%sBurn" $objective.what)) | nindent 6 }}
    {{- end }}
    {{- end }}
- name: thaw.saturation
  rules:
    - alert: ThawSlotsNearlyUsedUp
      expr: sum by (namespace, job) (thaw_slots_in_use{ {{- $of -}} }) / sum by (namespace, job) (thaw_slots{ {{- $of -}} }) > 0.8
      for: 5m
      {{- include "thaw.told" (list . "warning" "Four of five slots are in use; the next step is to shed" "ThawSlotsNearlyUsedUp") | nindent 6 }}
    - alert: ThawShedding
      expr: sum by (namespace, job, reason) (rate(thaw_shed_total{ {{- $of -}} }[5m])) > 0.1
      for: 5m
      {{- include "thaw.told" (list . "warning" "Requests are refused because the server is full" "ThawShedding") | nindent 6 }}
    - alert: ThawQueueWaits
      expr: thaw:queue_wait_seconds:mean_5m > {{ $rules.latencySeconds }}
      for: 5m
      {{- include "thaw.told" (list . "warning" "Photographs wait longer for a lane than the whole answer may take" "ThawQueueWaits") | nindent 6 }}
- name: thaw.health
  rules:
    - alert: ThawAbsent
      expr: absent(thaw_ready{ {{- $of -}} })
      for: 5m
      {{- include "thaw.told" (list . "critical" "Nobody is scraped under this name" "ThawAbsent") | nindent 6 }}
    - alert: ThawNotReady
      expr: min by (namespace, job, pod, instance) (thaw_ready{ {{- $of -}} }) == 0
      for: 5m
      {{- include "thaw.told" (list . "warning" "A pod is up and takes no photographs" "ThawNotReady") | nindent 6 }}
    - alert: ThawLanesDie
      expr: sum by (namespace, job) (increase(thaw_lane_restarts_total{ {{- $of -}} }[15m])) > 3 or sum by (namespace, job) (delta(thaw_process_restarts{ {{- $of -}} }[15m])) > 1
      {{- include "thaw.told" (list . "warning" "Lanes or processes die and are replaced again and again" "ThawLanesDie") | nindent 6 }}
    - alert: ThawProviderFellBack
      expr: {{ if eq .Values.device "gpu" -}}
        count by (namespace, job, pod, instance) (thaw_model_info{ {{- $of }},provider!="CUDAExecutionProvider"} > 0) > 0
        {{- else -}}
        count by (namespace, job) (count by (namespace, job, provider) (thaw_model_info{ {{- $of -}} } > 0)) > 1
        {{- end }}
      for: 1m
      {{- include "thaw.told" (list . "critical" "A model runs on another provider than it should" "ThawProviderFellBack") | nindent 6 }}
- name: thaw.models
  rules:
    - alert: ThawVersionsDiffer
      expr: count by (namespace, job, model, version) (max by (namespace, job, instance, model, version) (thaw_model_info{ {{- $of -}} } > 0)) != on (namespace, job) group_left () count by (namespace, job) (max by (namespace, job, instance) (thaw_ready{ {{- $of -}} }))
      for: 30m
      {{- include "thaw.told" (list . "warning" "Pods have different versions loaded" "ThawVersionsDiffer") | nindent 6 }}
    - alert: ThawVersionRefused
      expr: max by (namespace, job) (thaw_versions_refused_now{ {{- $of -}} }) > 0
      for: 5m
      {{- include "thaw.told" (list . "warning" "The store holds a version or an alias that cannot be served" "ThawVersionRefused") | nindent 6 }}
    - alert: ThawBusProbabilityDrifts
      expr: {{ include "thaw.drift" (list $of $rules.driftDifference) }}
      for: 1h
      {{- include "thaw.told" (list . "warning" "The mean probability of the new class is not what it was a week ago" "ThawBusProbabilityDrifts") | nindent 6 }}
{{- end }}

{{- /* today's mean against the mean of the week before; only where there is traffic enough for a mean */}}
{{- define "thaw.drift" -}}
{{- $of := index . 0 }}{{- $by := "sum by (namespace, job, model, version)" -}}
abs({{ $by }} (rate(thaw_new_class_probability_sum{ {{- $of -}} }[6h])) / {{ $by }} (rate(thaw_new_class_probability_count{ {{- $of -}} }[6h])) - {{ $by }} (rate(thaw_new_class_probability_sum{ {{- $of -}} }[1d] offset 7d)) / {{ $by }} (rate(thaw_new_class_probability_count{ {{- $of -}} }[1d] offset 7d))) > {{ index . 1 }} and {{ $by }} (increase(thaw_new_class_probability_count{ {{- $of -}} }[6h])) > 200
{{- end }}

{{- /* [root, severity, summary, section of the runbook] */}}
{{- define "thaw.told" -}}
{{- $runbook := (index . 0).Values.monitoring.rules.runbook -}}
labels: {severity: {{ index . 1 }}}
annotations:
  summary: {{ index . 2 | quote }}
  description: {{ printf "docs/runbook.md, section %s, says what to look at and what to do." (index . 3) | quote }}
  {{- if $runbook }}
  runbook_url: {{ $runbook }}#{{ index . 3 | lower }}
  {{- end }}
{{- end }}
