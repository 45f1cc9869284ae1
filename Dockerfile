# The server alone: no compiler, no tests. Stages, so that a change of the sources installs nothing anew, and so that
# what is shipped was installed without development packages.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY services ./services
COPY src ./src
RUN npm run build

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-slim AS server
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
WORKDIR /app
COPY package.json ./
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist/src ./dist/src
USER node
EXPOSE 4000

# What `npm run dev` runs, for docker-compose.yml: it adds the sample catalogue and prints a mutation to paste.
FROM server AS development
COPY --from=build /app/dist/services ./dist/services
CMD ["node", "dist/src/cli/stockade.js", "dev"]

# What a build without a target makes. The exec form makes the server process 1, so that it gets SIGTERM and drains.
FROM server
CMD ["node", "--max-semi-space-size=64", "dist/src/cli/stockade.js", "start"]
