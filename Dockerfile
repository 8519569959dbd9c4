# Builds the worker's image: Python, torch, the libraries that students import, and the worker. The
# image holds no other part of the grader: no checks, rubric, reference solution or labels.
#
#   grader image build                     builds it; GRADER_TORCH_INDEX=... sets TORCH_INDEX
#   docker build -t grader-worker:mine .   builds it by hand
#
# docs/docker.md describes base images behind a proxy, wheels without CUDA, and GPUs.

ARG BASE_IMAGE=python:3.13-slim
FROM ${BASE_IMAGE}

# Every version is pinned, so that two machines that build on different days get the same packages.
# `grader image build` sends the first part of constraints.txt, which is about the image.
COPY constraints.txt /opt/constraints.txt

# torch comes first: it is large and seldom changes. TORCH_INDEX is a pip index for this layer only,
# such as one with wheels without CUDA; empty means pip's default. A torch other than the pinned one
# brings its own version of CUDA, so the pins of torch and CUDA are dropped then.
ARG TORCH_VERSION=2.14.0
ARG TORCHVISION_VERSION=0.29.0
ARG TORCH_INDEX=
RUN python3 -m venv /opt/venv \
 && if [ -n "${TORCH_INDEX}" ] || ! grep -qx "torch==${TORCH_VERSION}" /opt/constraints.txt \
       || ! grep -qx "torchvision==${TORCHVISION_VERSION}" /opt/constraints.txt; then \
      sed -i -E '/^(torch|torchvision|triton|(cuda|nvidia)-.*)==/d' /opt/constraints.txt; fi \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -c /opt/constraints.txt \
      ${TORCH_INDEX:+--index-url "${TORCH_INDEX}"} \
      "torch==${TORCH_VERSION}" "torchvision==${TORCHVISION_VERSION}"

# Libraries that students import; the extra `homework` in pyproject.toml lists the same ones.
ARG STUDENT_PACKAGES="matplotlib pillow scikit-learn opencv-python-headless pandas scikit-image seaborn tensorboard torchinfo torchsummary tqdm torchmetrics timm einops albumentations lightning torchviz"
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -c /opt/constraints.txt \
      "torch==${TORCH_VERSION}" "torchvision==${TORCHVISION_VERSION}" ${STUDENT_PACKAGES}

# Packages that a rubric names under `packages`, in a layer of their own.
ARG EXTRA_PACKAGES=""
RUN if [ -n "${EXTRA_PACKAGES}" ]; then \
      /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -c /opt/constraints.txt \
      "torch==${TORCH_VERSION}" "torchvision==${TORCHVISION_VERSION}" ${EXTRA_PACKAGES}; fi

# The user needs a name: getpass.getuser() fails without one, and parts of torch call it.
RUN echo 'student:x:10001:10001:student:/tmp:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'student:x:10001:' >> /etc/group \
 && mkdir -p /submission /data /opt/grader/grader

# HOME and every cache are in /tmp, the only writable folder besides /dev/shm at run time.
# NVIDIA_DRIVER_CAPABILITIES selects what the NVIDIA runtime mounts if a GPU is requested.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/grader \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLBACKEND=Agg \
    HOME=/tmp \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# The worker comes last, so that a change to it rebuilds in a second. The root is read-only at run
# time, so bytecode is compiled here and never checked against the sources' times.
COPY grader/__init__.py grader/packing.py grader/stopwatch.py grader/wire.py /opt/grader/grader/
COPY grader/worker/ /opt/grader/grader/worker/
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/grader

USER 10001:10001
WORKDIR /tmp
# -P and -s: Python imports nothing from the working directory or ~/.local, where students can write.
ENTRYPOINT ["/opt/venv/bin/python", "-P", "-s", "-m", "grader.worker"]
