# One image, one command per app: node apps/<api|worker|simulator>/src/main.ts

# Only what decides about the dependencies, so that a change of code does not install them again.
FROM node:24-slim AS manifests
WORKDIR /src
COPY . .
RUN mkdir /manifests \
  && cp --parents package.json pnpm-lock.yaml pnpm-workspace.yaml apps/*/package.json packages/*/package.json /manifests

FROM node:24-slim AS dependencies
RUN npm install --global pnpm@12
WORKDIR /app
COPY --from=manifests /manifests ./
RUN pnpm install --prod --frozen-lockfile

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app ./
COPY . .
USER node
EXPOSE 3000
CMD ["node", "apps/api/src/main.ts"]
