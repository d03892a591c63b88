// The demo's broker: a real one (aedes) on a free port of the loopback interface. It ends with the demo.
import { type AddressInfo, createServer } from 'node:net';
import { fail } from '../../base/errors.js';

export interface Broker extends AsyncDisposable {
  /** `mqtt://127.0.0.1:PORT`. */
  readonly url: string;
}

/** Errors: SAMPLES_MISSING where the development dependencies were not installed. */
export async function startBroker(): Promise<Broker> {
  const { Aedes } = await import('aedes').catch((cause) => {
    throw fail('SAMPLES_MISSING', 'the demo needs the development dependencies: run npm ci in a checkout', cause);
  });
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await closed;
    },
  };
}
