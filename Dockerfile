# The server without compiler and tests. The stages avoid a new installation when only sources change, and keep
# development packages out of the image.
# An exact version: the same sources make the same image.
ARG NODE_IMAGE=node:24.22.3-trixie-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY console/package.json ./console/
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY services ./services
COPY client ./client
COPY src ./src
COPY schema ./schema
COPY console ./console
RUN npm run build

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev

FROM ${NODE_IMAGE} AS server
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
WORKDIR /app
COPY package.json ./
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist/src ./dist/src
COPY --from=build /app/dist/console ./dist/console
# By number, so that an orchestrator can see that it is not root. Nothing is written: a read-only file system will do.
USER 1000:1000
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/live').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

# `npm run dev` for docker-compose.yml: adds the sample catalogue and prints a mutation to paste.
FROM server AS development
COPY --from=build /app/dist/services ./dist/services
CMD ["node", "dist/src/cli/stockade.js", "dev"]

# The default target. With the exec form the server is process 1, so it gets SIGTERM and drains.
FROM server
CMD ["node", "--max-semi-space-size=64", "dist/src/cli/stockade.js", "start"]
