{{/*
What must not go to production: the demo of `./altiplano up`, and whatever only works on one machine. Every line says what to do
instead. Rendered by configmap.yaml, so that no manifest comes out before.
*/}}
{{- define "altiplano.refusals" -}}
{{- if .Values.demo.enabled -}}
{{- fail "demo.enabled: the chart does not install the demo; use ./altiplano up for a look around, and set demo.enabled=false here" -}}
{{- end -}}
{{- if regexMatch "^http://" .Values.oidc.url -}}
{{- fail (printf "oidc.url %s: the demo realm speaks plain http; give the https issuer of a realm of your own" .Values.oidc.url) -}}
{{- end -}}
{{- if regexMatch "/realms/[^/]*demo" .Values.oidc.url -}}
{{- fail (printf "oidc.url %s names a demo realm, whose users and passwords are known; give a realm of your own" .Values.oidc.url) -}}
{{- end -}}
{{- range $name, $value := dict "oidc.url" .Values.oidc.url "console.url" .Values.console.url "kafka.bootstrap" .Values.kafka.bootstrap "database.url" .Values.database.url -}}
{{- if regexMatch "(^|[/,@])(localhost|127\\.[0-9.]+|\\[::1\\])(:|/|,|$)" $value -}}
{{- fail (printf "%s %s is an address of the demo on one machine; give one that pods can reach" $name $value) -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.kafka.security "PLAINTEXT" -}}
{{- fail "kafka.security PLAINTEXT: without principals anybody could write usage; set SASL_SSL" -}}
{{- end -}}
{{- if and (eq .Values.kafka.security "SASL_PLAINTEXT") (eq .Values.kafka.mechanism "PLAIN") -}}
{{- fail "kafka.security SASL_PLAINTEXT with mechanism PLAIN sends passwords in clear; set SASL_SSL, or SCRAM-SHA-512" -}}
{{- end -}}
{{- $secrets := dict "database.existingSecret" .Values.database.existingSecret "keys.existingSecret" .Values.keys.existingSecret "audit.existingSecret" .Values.audit.existingSecret "kafka.gateway.existingSecret" .Values.kafka.gateway.existingSecret "kafka.scheduler.existingSecret" .Values.kafka.scheduler.existingSecret "kafka.worker.existingSecret" .Values.kafka.worker.existingSecret "topics.existingSecret" .Values.topics.existingSecret -}}
{{- range $name, $secret := $secrets -}}
{{- if regexMatch "(^|[-.])demo([-.]|$)" $secret -}}
{{- fail (printf "%s %s holds the demo's keys, which are not secret; make a Secret with random values of your own" $name $secret) -}}
{{- end -}}
{{- end -}}
{{- range $service := list "gateway" "scheduler" "worker" "stack" -}}
{{- $image := get $.Values.images $service -}}
{{- if eq $image.tag "latest" -}}
{{- fail (printf "images.%s.tag latest does not say which image runs; give a version or a digest" $service) -}}
{{- end -}}
{{- end -}}
{{- $seen := dict -}}
{{- range .Values.pools -}}
{{- if hasKey $seen .name -}}
{{- fail (printf "pools: two pools are named %s; names are topics, give each its own" .name) -}}
{{- end -}}
{{- $_ := set $seen .name true -}}
{{- end -}}
{{- if .Values.gateway.ingress.enabled -}}
{{- if or (not .Values.gateway.ingress.host) (not .Values.gateway.ingress.tlsSecret) -}}
{{- fail "gateway.ingress needs host and tlsSecret: API keys do not travel without TLS" -}}
{{- end -}}
{{- end -}}
{{- end -}}
