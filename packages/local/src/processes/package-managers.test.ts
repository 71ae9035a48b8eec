import { expect, test } from 'vitest'
import { packageManagersIn } from './package-managers.ts'

const listing = `
    1     0 /sbin/init
  100     1 -bash
  200   100 npm exec pnpm@12 start
  201   200 sh -c pnpm start
  202   201 node /home/me/.npm/_npx/af1/node_modules/.bin/pnpm start
  203   202 sh -c node apps/start/src/main.ts
  204   203 node apps/start/src/main.ts
  300   100 node apps/start/src/main.ts
`

test('the processes up to the topmost package manager are found, without the shell of the user', () => {
  expect(packageManagersIn(listing, 204)).toEqual([203, 202, 201, 200])
})

test('without a package manager there are none', () => {
  expect(packageManagersIn(listing, 300)).toEqual([])
})
