#!/bin/sh
# docs/first-ten-minutes.md without hands: installs Podspan and a Jaeger, checks, watches, judges a rollout, and opens the trace behind its link.
# Works on the cluster of the current kubeconfig, as its administrator; exits with 0 only where every step did what the page says.
# Begins only where neither namespace and no Podspan is there yet, so that what it removes at the end is what it made; KEEP=1 leaves it. The CRD stays.
#
#   PODSPAN       the command to test         (default: dist/podspan.mjs of this repository, by node)
#   KUBECTL HELM  those two                   (default: kubectl, helm)
#   IMAGE         Podspan's image             (default: the chart's)
#   JAEGER_IMAGE  Jaeger's image              (default: that of examples/jaeger.yaml)
#   WEB_IMAGE     the image that is rolled out (default: that of examples/web.yaml)
#   NAMESPACE     for Podspan and Jaeger      (default: podspan)
#   DEMO          for the rollout             (default: podspan-demo)
#   PORT          of this machine, for Jaeger (default: 16686)
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
KUBECTL=${KUBECTL:-kubectl}
HELM=${HELM:-helm}
NAMESPACE=${NAMESPACE:-podspan}
DEMO=${DEMO:-podspan-demo}
PORT=${PORT:-16686}
work=$(mktemp -d)
watching='' forwarding='' made='' installed=''

# In the place of this shell, so that a signal to what runs in the background is one to Podspan.
become_podspan() {
  if [ -n "${PODSPAN:-}" ]; then exec "$PODSPAN" "$@"; else exec node "$root/dist/podspan.mjs" "$@"; fi
}
podspan() { (become_podspan "$@"); }

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'first-ten-minutes: %s\n' "$*" >&2
  exit 1
}

# Tries for so many seconds; a command that succeeds ends it.
within() {
  left=$1
  shift
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 1
  done
}

stop() {
  [ -z "$1" ] || ! kill "$1" 2>/dev/null || wait "$1" || true
}

clean() {
  code=$?
  trap - EXIT
  stop "$watching"
  stop "$forwarding"
  if [ "${KEEP:-}" != 1 ]; then
    [ -z "$installed" ] || "$HELM" uninstall podspan --namespace "$NAMESPACE" || true
    # shellcheck disable=SC2086
    [ -z "$made" ] || "$KUBECTL" delete namespace $made --ignore-not-found --wait=false || true
  fi
  rm -rf "$work"
  exit "$code"
}
trap clean EXIT
trap 'exit 130' INT TERM

# The manifest with another image, where one is given.
with_image() {
  if [ -n "$2" ]; then sed "s|^\( *image: \).*|\1$2|" "$1"; else cat "$1"; fi
}

# REGISTRY/REPOSITORY:TAG as the chart's values.
image_values() {
  if [ -z "${IMAGE:-}" ]; then return; fi
  rest=${IMAGE#*/}
  printf ' --set image.registry=%s --set image.repository=%s --set-string image.tag=%s' \
    "${IMAGE%%/*}" "${rest%:*}" "${rest##*:}"
}

# Nobody else's namespace or release is touched, let alone removed.
others=$("$KUBECTL" get deployments --all-namespaces --selector app.kubernetes.io/name=podspan --output name) ||
  fail 'the cluster does not answer'
[ -z "$others" ] || fail "Podspan is in this cluster already: $others"
for namespace in "$NAMESPACE" "$DEMO"; do
  found=$("$KUBECTL" get namespace "$namespace" --ignore-not-found --output name) || fail 'the cluster does not answer'
  [ -z "$found" ] || fail "there is a namespace $namespace already; choose others with NAMESPACE and DEMO"
done

say 'A place to see traces'
for namespace in "$NAMESPACE" "$DEMO"; do
  "$KUBECTL" create namespace "$namespace"
  made="$made $namespace"
done
with_image "$root/examples/jaeger.yaml" "${JAEGER_IMAGE:-}" >"$work/jaeger.yaml"
"$KUBECTL" apply --namespace "$NAMESPACE" -f "$work/jaeger.yaml"
"$KUBECTL" rollout status --namespace "$NAMESPACE" deployment/jaeger --timeout=3m || {
  "$KUBECTL" get pods --namespace "$NAMESPACE"
  "$KUBECTL" logs --namespace "$NAMESPACE" deployment/jaeger --tail=20 || true
  fail 'Jaeger does not start'
}

# By its address, which serves in a cluster without DNS too.
address=$("$KUBECTL" get service jaeger --namespace "$NAMESPACE" --output 'jsonpath={.spec.clusterIP}')
case $address in *:*) address="[$address]" ;; esac

say 'Install'
installed=1
# shellcheck disable=SC2046
"$HELM" install podspan "$root/charts/podspan" --namespace "$NAMESPACE" --wait --timeout 3m \
  --set cluster.name=first-ten-minutes \
  --set exporters.default.endpoint="http://$address:4317" \
  --set links.traceURLTemplate="http://localhost:$PORT/trace/{traceID}" $(image_values)

say 'Check'
podspan check

say 'Watch'
become_podspan watch --namespace "$DEMO" >"$work/watch.txt" 2>"$work/watch.err" &
watching=$!
within 30 grep -q 'read-only' "$work/watch.err" || fail "podspan watch does not watch: $(cat "$work/watch.err")"

say 'Judge a rollout'
with_image "$root/examples/web.yaml" "${WEB_IMAGE:-}" >"$work/web.yaml"
session=first-$(date +%s)
podspan session run --namespace "$DEMO" --name "$session" --target deploy/web --min-pods 3 --objective p99=2m --timeout 5m \
  -- "$KUBECTL" apply --namespace "$DEMO" -f "$work/web.yaml" || fail "session run ended with $?"
podspan session get "$session" --namespace "$DEMO"
"$KUBECTL" get tracesessions --namespace "$DEMO"

say 'What podspan watch saw of it'
three_ready() { [ "$(grep -c " ready .*$DEMO/web-" "$work/watch.txt")" -eq 3 ]; }
within 30 three_ready || fail "podspan watch has not seen three pods become ready: $(cat "$work/watch.txt")"
cat "$work/watch.txt"
stop "$watching"
watching=''

say 'The trace behind the link'
url=$("$KUBECTL" get tracesession "$session" --namespace "$DEMO" --output 'jsonpath={.status.slowest[0].url}')
trace=$("$KUBECTL" get tracesession "$session" --namespace "$DEMO" --output 'jsonpath={.status.slowest[0].traceID}')
[ "$url" = "http://localhost:$PORT/trace/$trace" ] || fail "the slowest pod has the link '$url' and the trace '$trace'"
echo "$url"
"$KUBECTL" port-forward --namespace "$NAMESPACE" service/jaeger "$PORT:16686" >"$work/forward.txt" 2>&1 &
forwarding=$!
# With Node, which Podspan needs anyway.
fetch() {
  node -e '
    fetch(process.argv[1], { signal: AbortSignal.timeout(5000) }).then(
      async (answer) => { process.stdout.write(await answer.text()); process.exitCode = answer.ok ? 0 : 1 },
      () => { process.exitCode = 1 },
    )' "$1"
}
has_trace() {
  fetch "http://localhost:$PORT/api/traces/$trace" >"$work/trace.json" && grep -q '"operationName":"pod startup"' "$work/trace.json"
}
within 60 has_trace || fail "Jaeger does not show trace $trace"
echo "$(grep -o '"operationName"' "$work/trace.json" | wc -l) spans"

say 'All of it works.'
