# syntax=docker/dockerfile:1
# Startgate, and nothing else: no compiler, no package manager's cache, no shell needed. Build it for any architecture
# that Python's image has:
#     docker buildx build --platform linux/amd64,linux/arm64 --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" .
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
RUN python -m venv /opt/startgate
# First what seldom changes: a change of the sources does not install this again. Hashes are those of the lock.
COPY requirements-run.lock requirements-build.lock ./
RUN /opt/startgate/bin/python -m pip install --quiet --no-compile --require-hashes --only-binary :all: -r requirements-run.lock
COPY pyproject.toml README.md LICENSE ./
COPY rules ./rules
COPY share ./share
COPY proxy ./proxy
# Its own wheel needs a builder, which does not get into the image.
RUN python -m pip install --quiet --require-hashes --only-binary :all: -r requirements-build.lock \
    && python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/startgate/bin/python -m pip install --quiet --no-compile --no-deps /wheels/*.whl \
    && /opt/startgate/bin/python -m pip uninstall --quiet --yes pip setuptools \
    && /opt/startgate/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/startgate/lib

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="Startgate" \
      org.opencontainers.image.description="A gate before the start of data frame analytics jobs in Elasticsearch" \
      org.opencontainers.image.licenses="Apache-2.0"
# A number and no name: Kubernetes can see that it is not root.
ARG UID=10001
COPY --from=build /opt/startgate /opt/startgate
# What is written: the journal. Everything else may be read-only; sockets go to /tmp.
RUN install -d -o ${UID} -g 0 -m 0700 /var/lib/startgate && install -d -m 0755 /etc/startgate
COPY deploy/docker/startgate.yml /etc/startgate/startgate.yml
ENV PATH=/opt/startgate/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER ${UID}:0
WORKDIR /etc/startgate
VOLUME /var/lib/startgate
EXPOSE 9400
# SIGTERM finishes what is in flight (limits.edge.drain_s): give the container longer than that to stop.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=20s --start-period=60s --retries=3 CMD ["startgate", "status", "--for", "traffic"]
ENTRYPOINT ["startgate"]
CMD ["serve"]
