# Forebay as one static binary in an image that holds little else. Any builder can build it, BuildKit or not:
#
#   docker build -t forebay .
#
# A machine whose containers reach the network only as itself adds: --network host

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/forebay ./cmd/forebay \
 && install -d -m 0700 /out/folders/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/forebay /forebay
# A volume that is made for /data takes over its owner and its mode.
COPY --from=build --chown=65532:65532 /out/folders/ /
USER 65532:65532
WORKDIR /
VOLUME /data
# Where the operator mounts the configuration.
ENV FOREBAY_CONFIG=/etc/forebay/forebay.yaml
EXPOSE 8080
ENTRYPOINT ["/forebay"]
CMD ["serve"]
# SIGTERM: deliveries under way are finished, and what is in the journal goes out for up to ten seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/forebay", "check", "--health"]
