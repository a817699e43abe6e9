# Image of Beer Model. build_image.sh builds it, run_docker.sh runs it.
# Targets: api (default) and model-server contain the same files; build_image.sh reads the list of packages from sbom.
# retrain trains again on a bucket's beers (docs/platform.md).
# BASE is the base image. build_image.sh passes BASE_IMAGE as BASE, by default this tag, and pushes no image whose base is
# not named by its digest.

ARG BASE=python:3.11-slim-bookworm

FROM $BASE AS packages
WORKDIR /build
COPY requirements.txt scripts/trim_packages.sh ./
# The virtual environment has no pip: the pip of the base image installs into it.
RUN python -m venv --without-pip /venv \
 && python -m pip --python /venv/bin/python install --no-cache-dir --no-compile --require-hashes -r requirements.txt \
 && bash trim_packages.sh /venv/lib/python3.11/site-packages \
 && find /venv/bin ! -name 'python*' -type f -delete \
 && /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /venv/lib

FROM packages AS sbom
ARG VERSION=0
COPY requirements/sbom.txt ./
RUN python -m venv /sbom \
 && /sbom/bin/pip install --no-cache-dir --require-hashes -r sbom.txt \
 && printf '[project]\nname = "beer-model"\nversion = "%s"\n' "$VERSION" >pyproject.toml \
 && /sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
    --spec-version 1.6 --output-file /sbom.json /venv/bin/python

# Not from packages: SciPy imports parts of NumPy that the service does without.
FROM $BASE AS training-packages
WORKDIR /build
COPY requirements.txt requirements/train.txt ./
RUN python -m venv --without-pip /venv \
 && python -m pip --python /venv/bin/python install --no-cache-dir --no-compile --require-hashes \
    -r requirements.txt -r train.txt \
 && /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /venv/lib

FROM $BASE AS retrain
COPY --from=training-packages /venv /venv
WORKDIR /srv
COPY LICENSE ./
COPY app app
COPY training training
COPY scripts/retrain.py scripts/retrain.sh scripts/
ENV PYTHON=/venv/bin/python PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp
USER 10001:10001
ENTRYPOINT ["bash", "/srv/scripts/retrain.sh", "--cache", "/tmp/model-cache"]

FROM packages AS program
WORKDIR /srv
COPY LICENSE scripts/ready.py ./
COPY app app
COPY models models
RUN /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash . \
 && chmod -R a+rX,go-w .

FROM $BASE AS serving
COPY --from=packages /venv /venv
COPY --from=program /srv /srv
WORKDIR /srv
ENV HOST=0.0.0.0 PORT=8000 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/venv/bin/python", "/srv/ready.py"]
# build_image.sh sets the labels that change with the commit (version, revision, created): buildah, and so podman,
# takes the LABEL of an older commit from its cache if only a build argument differs.
LABEL org.opencontainers.image.title="Beer Model" \
      org.opencontainers.image.licenses=MIT

FROM serving AS model-server
EXPOSE 8000 50052
ENTRYPOINT ["/venv/bin/python", "-m", "app", "--role", "model-server"]

FROM serving AS api
EXPOSE 8000 50052
ENTRYPOINT ["/venv/bin/python", "-m", "app"]
