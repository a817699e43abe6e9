# Beer Model's API in a container: see run_docker.sh for how it is meant to be run.
FROM python:3.11-slim-bookworm AS build
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
 && /venv/bin/pip uninstall --yes --quiet pip setuptools

FROM python:3.11-slim-bookworm
COPY --from=build /venv /venv
WORKDIR /srv
COPY app app
COPY models models
RUN /venv/bin/python -m compileall -q app
ENV HOST=0.0.0.0 PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/venv/bin/python", "-c", \
  "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/health/ready')"]
ENTRYPOINT ["/venv/bin/python", "-m", "app"]
