# Serves a policy to those who have the token in a file:
#   docker build -t allotment .
#   docker run -p 8000:8000 -v "$PWD/runs/my-run:/policy:ro" -v "$PWD/token:/token:ro" allotment
# Where something in front of the container authenticates: docker run … allotment /policy --no-token
FROM python:3.11-slim
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
COPY envs envs
COPY configs configs
RUN pip install --no-cache-dir --constraint constraints.txt ".[serve]"
ENV OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_CACHE_DIR=/tmp/numba
USER nobody
EXPOSE 8000
ENTRYPOINT ["allotment", "serve", "--host", "0.0.0.0", "--port", "8000"]
CMD ["/policy", "--token-file", "/token"]
