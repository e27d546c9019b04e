# syntax=docker/dockerfile:1
# One image for every process of ours; docker-compose.yml says which one a container runs.

FROM python:3.13-slim-trixie AS packages
WORKDIR /build
COPY requirements.lock .
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --only-binary :all: --require-hashes \
        --requirement requirements.lock

FROM python:3.13-slim-trixie
# Nothing is installed into a running container.
RUN pip uninstall --yes --root-user-action=ignore pip \
 && rm -rf /usr/local/lib/python3.13/ensurepip
# The user and the folders of the broker's own image: a named volume takes its owner from the first that mounts it.
RUN groupadd --gid 1883 mayday \
 && useradd --uid 1883 --gid 1883 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin mayday \
 && install --directory --owner=1883 --group=1883 --mode=0700 \
        /authority /media /mosquitto /mosquitto/config /mosquitto/config/certs /mosquitto/data
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
RUN python -m compileall -q /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 1883:1883
