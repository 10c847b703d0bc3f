module podspan.dev/test/cluster/modules/grafana-operator

go 1.26.0

require github.com/grafana/grafana-operator/v5 v5.18.0
