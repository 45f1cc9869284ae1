# The server without compiler and tests. The stages avoid a new installation when only sources change, and keep
# development packages out of the image.
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

# `npm run dev` for docker-compose.yml: adds the sample catalogue and prints a mutation to paste.
FROM server AS development
COPY --from=build /app/dist/services ./dist/services
CMD ["node", "dist/src/cli/stockade.js", "dev"]

# The default target. With the exec form the server is process 1, so it gets SIGTERM and drains.
FROM server
CMD ["node", "--max-semi-space-size=64", "dist/src/cli/stockade.js", "start"]
