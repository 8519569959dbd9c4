# The worker's image: Python, torch, what students import, and the worker itself. Nothing else of
# the grader goes in: no checks, no rubric, no reference solution, no labels.
#
#   grader image build                     builds it; GRADER_TORCH_INDEX=... sets TORCH_INDEX, etc.
#   docker build -t grader-worker:mine .   does the same by hand
#
# See docs/docker.md for a base image behind a proxy, CPU-only wheels and GPUs.

ARG BASE_IMAGE=python:3.11-slim
FROM ${BASE_IMAGE}

# Every version is pinned, so that two machines that build on different days get the same packages.
# `grader image build` sends the first part of constraints.txt, which is about the image.
COPY constraints.txt /opt/constraints.txt

# torch first: it is large and changes seldom. TORCH_INDEX is a pip index for this layer alone, for
# those who want wheels without CUDA; empty means pip's own default. Another torch than the pinned
# one brings its own version of CUDA, so those pins go.
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

# What students import; pyproject.toml's extra `homework` is the same for the process sandbox.
ARG STUDENT_PACKAGES="matplotlib pillow scikit-learn opencv-python-headless pandas scikit-image seaborn tensorboard torchinfo torchsummary tqdm"
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -c /opt/constraints.txt \
      "torch==${TORCH_VERSION}" "torchvision==${TORCHVISION_VERSION}" ${STUDENT_PACKAGES}

# A name for the uid: getpass.getuser() and with it parts of torch fail without one.
RUN echo 'student:x:10001:10001:student:/tmp:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'student:x:10001:' >> /etc/group \
 && mkdir -p /submission /data /opt/grader/grader

# HOME and every cache lie in /tmp, the one place that is writable when this runs.
# NVIDIA_*: what the NVIDIA runtime mounts when, and only when, a GPU is asked for.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/grader \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLBACKEND=Agg \
    HOME=/tmp \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# The worker last: a change to it costs a second. The root is read-only when it runs, so bytecode is
# compiled here, and never checked against the sources' times.
COPY grader/__init__.py grader/packing.py grader/wire.py /opt/grader/grader/
COPY grader/worker/ /opt/grader/grader/worker/
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/grader

USER 10001:10001
WORKDIR /tmp
# -P: the working directory, where students write, is no place to import from. -s: nor is ~/.local.
ENTRYPOINT ["/opt/venv/bin/python", "-P", "-s", "-m", "grader.worker"]
