{{- define "thaw.volumes" -}}
{{- $store := .Values.modelStore }}
- name: tmp
  emptyDir: {medium: Memory, sizeLimit: {{ .Values.tmpSize }}}
{{- if eq $store.type "pvc" }}
- name: models
  persistentVolumeClaim: {claimName: {{ include "thaw.claim" . }}, readOnly: true}
{{- else if eq $store.type "oci" }}
{{- if semverCompare "<1.33-0" .Capabilities.KubeVersion.Version }}
{{- fail (printf "modelStore.type is oci, and this cluster is Kubernetes %s: image volumes need 1.33 or newer. Use pvc or download." .Capabilities.KubeVersion.Version) }}
{{- end }}
- name: models
  image:
    reference: {{ required "modelStore.type is oci: name the image in modelStore.oci.reference." $store.oci.reference }}
    pullPolicy: {{ $store.oci.pullPolicy }}
{{- else if eq $store.type "download" }}
- name: models
  emptyDir: {sizeLimit: {{ $store.download.size }}}
- name: scripts
  configMap: {name: {{ include "thaw.fullname" . }}-scripts}
{{- end }}
{{- with include "thaw.apiKeySecret" . }}
- name: api-keys
  secret: {secretName: {{ . }}}
{{- end }}
{{- with .Values.tls.existingSecret }}
- name: tls
  secret: {secretName: {{ . }}}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "thaw.initContainers" -}}
{{- $download := .Values.modelStore.download }}
{{- if eq .Values.modelStore.type "download" }}
- name: download
  image: {{ include "thaw.image" (list . (dict) (include "thaw.suffix" .)) }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [python, /scripts/fetch_store.py]
  args:
    - {{ required "modelStore.type is download: name the archive in modelStore.download.url." $download.url | quote }}
    - {{ required "modelStore.type is download: give modelStore.download.sha256; nothing unchecked is served." $download.sha256 | quote }}
    - /models
  securityContext: {{- toYaml .Values.securityContext | nindent 4 }}
  resources:
    requests: {cpu: 100m, memory: 128Mi}
    limits: {cpu: "1", memory: 256Mi}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    - {name: models, mountPath: /models}
    - {name: scripts, mountPath: /scripts, readOnly: true}
{{- end }}
{{- with .Values.initContainers }}
{{ toYaml . }}
{{- end }}
{{- end }}
