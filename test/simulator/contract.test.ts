// Owns the contract of an API server on the simulator; test/e2e/api-contract.e2e.test.ts runs the same on a real one.

import { SimulatedApiServer } from './server.ts'
import { contract } from './contract.ts'

contract(async () => {
  const server = await SimulatedApiServer.start({
    tls: true,
    kinds: 'built-in',
    token: 'the-token',
    throttledToken: 'throttled',
  })
  return {
    url: server.url,
    ca: server.certificate,
    token: 'the-token',
    throttled: () => Promise.resolve('throttled'),
    compact: () => Promise.resolve(server.compact()),
    restart: async () => {
      await server.kill()
      await server.restart()
    },
    close: () => server.close(),
  }
})
