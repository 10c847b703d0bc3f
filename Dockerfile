# syntax=docker/dockerfile:1
# The image for users: distroless, without a shell, run as user 65532.
#   docker buildx build --platform linux/amd64,linux/arm64 --tag REGISTRY/podspan:VERSION --push .
# The bundle is the same for every platform, so it is built once, on the machine's own.

ARG NODE_IMAGE=docker.io/library/node:24-trixie-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot

FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /src
ENV npm_config_cache=/var/cache/npm
COPY package.json package-lock.json .npmrc ./
# A lock that was written where a registry mirrors one platform names no other; `npm install` takes the same versions from it.
RUN --mount=type=cache,target=/var/cache/npm \
    npm ci --no-audit --no-fund || npm install --no-save --no-audit --no-fund
COPY scripts/build.ts scripts/build.ts
COPY LICENSE ./
COPY src src
RUN node scripts/build.ts && node dist/podspan.mjs --version

FROM ${RUNTIME_IMAGE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="podspan" \
      org.opencontainers.image.description="Why did this pod take so long to start? One OpenTelemetry trace per pod start." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build --chown=0:0 --chmod=0444 /src/dist/podspan.mjs /app/podspan.mjs
COPY --from=build --chown=0:0 --chmod=0444 /src/LICENSE /LICENSE
USER 65532:65532
EXPOSE 8080
# For a small process (docs/performance.md): one helper thread of V8 instead of four, and one arena of the C library, since its work is one
# event loop; what takes 128 KB or more mapped on its own, so that buffers which were outgrown go back to the system; WebAssembly, which is the
# parser of HTTP, compiled once and not again with 24 MB of temporary memory; functions optimised when they are really busy, so that an idle
# process does not map the optimising compilers; collections for giving memory back; and a nursery of twice 4 MB, where V8 would let it grow to
# twice 32 under any load: it costs a busy process a tenth of its processor time.
ENV MALLOC_ARENA_MAX=1
ENV MALLOC_MMAP_THRESHOLD_=131072
ENTRYPOINT ["/nodejs/bin/node", "--v8-pool-size=1", "--liftoff-only", "--invocation-count-for-maglev=4000", "--invocation-count-for-turbofan=30000", "--expose-gc", "--max-semi-space-size=4", "/app/podspan.mjs"]
CMD ["controller"]
