# One image for the core and the bridges: `serve` is the default command, `bridge synology` or `bridge telegram` starts a bridge (docker-compose.yml).
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No dependency needs its install script: native modules come prebuilt.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY bin bin
COPY machines machines
COPY src src
RUN node bin/build.mjs && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE gatehouse.example.yaml ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY bin/gatehouse.mjs bin/gatehouse.mjs
RUN ln -s /app/bin/gatehouse.mjs /usr/local/bin/gatehouse \
 && install -d -o node -g node -m 0700 /data
USER node
# All files are written to /data; the rest of the file system may be read-only.
VOLUME /data
WORKDIR /data
EXPOSE 8100 8101
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.HEALTH_PORT ?? 8100) + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["gatehouse"]
CMD ["serve"]
