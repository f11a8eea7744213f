# docker build --build-arg VERSION=1.2.3 --tag gatehouse .
ARG VERSION=unknown

FROM golang:1.26 AS build
ARG VERSION
WORKDIR /src
# Nothing needs a C compiler.
ENV CGO_ENABLED=0
COPY go.mod go.sum go.work go.work.sum ./
COPY tools/go.mod tools/go.sum tools/
# The task runner is compiled here too, so that a change of the sources does not
# compile it again.
RUN go mod download && go tool task --version
COPY . .
RUN go tool task build VERSION="$VERSION" && mkdir -m 700 data

FROM scratch
ARG VERSION
LABEL org.opencontainers.image.title="Gatehouse" \
      org.opencontainers.image.description="Takes metrics that short-lived jobs push and shows them to Prometheus" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
# To check the certificate of a token issuer.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/bin/gatehouse /gatehouse
COPY --from=build /src/LICENSE /LICENSE
COPY --from=build /src/NOTICE /NOTICE
COPY --from=build /src/THIRD-PARTY-LICENSES /THIRD-PARTY-LICENSES
# A new volume takes its owner from the directory in the image.
COPY --from=build --chown=65532:65532 /src/data /data
USER 65532:65532
# Containers of a pod share the loopback address and often the user id: being
# local says nothing there.
ENV GATEHOUSE_STORAGE_PATH=/data AUTH_LOCALHOST_BYPASS=false
VOLUME /data
EXPOSE 9091
# It reads the variables of the container, not the flags of its command.
HEALTHCHECK --interval=30s --timeout=15s --start-period=1m CMD ["/gatehouse", "health"]
ENTRYPOINT ["/gatehouse"]
