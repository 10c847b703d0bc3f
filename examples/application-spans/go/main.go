// Tells its own start-up in the trace of its pod's start, with the plain OpenTelemetry SDK. Needs TRACEPARENT, which Podspan's
// policies inject, or POD_UID by the downward API, from which the same context follows; without either the spans are a trace of
// their own. OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_SERVICE_NAME are the SDK's usual variables.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// contextOf is the contract, in one line: the halves of the UID swapped are the trace, its first half is the root.
func contextOf(uid string) string { return "00-" + uid[16:] + uid[:16] + "-" + uid[:16] + "-01" }

// podStart is where the spans of the start-up belong: below the root of the pod's own start.
func podStart(ctx context.Context) context.Context {
	traceparent := os.Getenv("TRACEPARENT")
	if uid := strings.ReplaceAll(os.Getenv("POD_UID"), "-", ""); traceparent == "" && len(uid) == 32 {
		traceparent = contextOf(uid)
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}

func newProvider(ctx context.Context) (*sdktrace.TracerProvider, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	options := []resource.Option{resource.WithFromEnv(), resource.WithTelemetrySDK()}
	if uid := os.Getenv("POD_UID"); uid != "" {
		options = append(options, resource.WithAttributes(attribute.String("k8s.pod.uid", uid)))
	}
	res, err := resource.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res)), nil
}

// step is one step of the start-up, below the span of ctx.
func step(ctx context.Context, tracer trace.Tracer, name string, work func(context.Context) error) error {
	ctx, span := tracer.Start(ctx, name)
	defer span.End()
	err := work(ctx)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

func start(ctx context.Context, tracer trace.Tracer) (listener net.Listener, err error) {
	err = step(podStart(ctx), tracer, "application start-up", func(ctx context.Context) error {
		if err := step(ctx, tracer, "load configuration", func(context.Context) error { return nil }); err != nil {
			return err
		}
		return step(ctx, tracer, "listen", func(context.Context) (err error) {
			listener, err = net.Listen("tcp", ":8080")
			return err
		})
	})
	return listener, err
}

// flush sends what there is; a backend that is away is given up after a while.
func flush(provider *sdktrace.TracerProvider) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := provider.Shutdown(ctx); err != nil {
		log.Print(err)
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	provider, err := newProvider(ctx)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := start(ctx, provider.Tracer("start-up"))
	if err != nil {
		flush(provider)
		log.Fatal(err)
	}
	// Nobody waits for it; and what the process does from here on belongs to the traces of its requests.
	go flush(provider)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
