#!/bin/sh
# A rollout with a verdict, by kubectl alone: exits 0 where the objectives of tracesession.yaml were met, 1 where not, 3 where nothing can be said.
# Needs Podspan in the cluster and rights on TraceSessions: create, get, list, watch.
# Usage: kubectl-gate.sh COMMAND…, such as kubectl-gate.sh kubectl apply -f checkout.yaml
set -eu
here=$(dirname "$0")

session=$(kubectl create -f "$here/tracesession.yaml" -o name)
kubectl wait --namespace shop --for=condition=Accepted "$session" --timeout=30s || exit 3
"$@"
# The session's timeout and its startTimeout, and some.
kubectl wait --namespace shop --for=condition=Complete "$session" --timeout=27m || exit 3
kubectl get --namespace shop "$session"

say() {
  kubectl get --namespace shop "$session" --output "jsonpath={.status.conditions[?(@.type=='ObjectiveMet')].$1}"
}
echo "$(say message)"
case "$(say status)" in
  True) exit 0 ;;
  False) exit 1 ;;
  *) exit 3 ;;
esac
