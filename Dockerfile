# One image, one command for each app: node apps/<api|worker|simulator>/src/main.ts

# Only the files that determine the dependencies, so that a change of code does not reinstall them.
FROM node:24-slim AS manifests
WORKDIR /src
COPY . .
RUN mkdir /manifests \
  && cp --parents package.json pnpm-lock.yaml pnpm-workspace.yaml apps/*/package.json packages/*/package.json /manifests

FROM node:24-slim AS dependencies
RUN npm install --global pnpm@12
WORKDIR /app
COPY --from=manifests /manifests ./
# Node.js does not load TypeScript from node_modules. Without it, source maps and manuals, the packages take half the space.
RUN pnpm install --prod --frozen-lockfile \
  && find node_modules/.pnpm -type f -regextype posix-extended -regex '.*\.([cm]?ts|map|md|markdown)' -delete

# The parts of the base image that run the apps: no package manager, no package lists, no manuals.
FROM node:24-slim AS runtime
RUN rm -rf /usr/local/lib/node_modules /usr/local/include /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
  /usr/local/bin/yarn* /opt/yarn* /var/lib/apt/lists/* /var/cache/* /usr/share/man /usr/share/locale \
  && find /usr/share/doc -type f ! -name copyright -delete \
  # Removes set-uid rights, such as those of su and mount: nothing here needs them.
  && find / -xdev -type f -perm /6000 -exec chmod a-s {} +

# From scratch, because a layer that deletes files does not make the layers below it smaller.
FROM scratch
COPY --from=runtime / /
ENV NODE_ENV=production PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /app
COPY --from=dependencies /app ./
COPY . .
USER node
EXPOSE 3000
CMD ["node", "apps/api/src/main.ts"]
