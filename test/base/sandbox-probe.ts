// Tries to reach other programs in every way, and prints for each way `ok` or the code of the error, as JSON.
// Arguments: a TCP port, a UDP port and the path of a Unix socket on which somebody listens.
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** Calls `attempt`, which reports its result. */
const outcome = (attempt: (report: (error?: unknown) => void) => void): Promise<string> =>
  new Promise((resolve) => {
    const report = (error?: unknown): void => resolve(error == null ? 'ok' : codeOf(error));
    try {
      attempt(report);
    } catch (error) {
      report(error);
    }
  });

const connection = (target: { port: number; host: string } | { path: string }): Promise<string> =>
  outcome((report) => {
    const socket = connect(target, () => {
      report();
      socket.destroy();
    });
    socket.on('error', report);
  });

async function probe([tcp = '', udp = '', unix = '']: readonly string[]) {
  return {
    tcp: await connection({ port: Number(tcp), host: '127.0.0.1' }),
    tcp6: await outcome((report) => {
      const socket = connect({ port: Number(tcp), host: '::1' }, report);
      socket.on('error', (error) => report(codeOf(error) === 'EPERM' ? error : undefined));
    }),
    unix: await connection({ path: unix }),
    udp: await outcome((report) => {
      const socket = createSocket('udp4');
      const done = (error?: unknown): void => {
        report(error);
        socket.close();
      };
      socket.on('error', report);
      socket.send('x', Number(udp), '127.0.0.1', (error) => done(error));
    }),
    listen: await outcome((report) => {
      const server = createServer();
      server.on('error', report);
      server.listen(0, '127.0.0.1', () => {
        report();
        server.close();
      });
    }),
    program: await outcome((report) => report(spawnSync('/bin/true').error)),
    fileRead: await outcome((report) => report(readFileSync('/proc/self/stat').length > 0 ? undefined : 'empty')),
  };
}

if (isMainThread) {
  const args = process.argv.slice(2);
  const main = await probe(args);
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: args });
  worker.once('message', (thread) => {
    process.stdout.write(JSON.stringify({ main, thread, sandbox: process.env['ROOMKIN_SANDBOX'] ?? null }));
    process.exit();
  });
} else {
  parentPort?.postMessage(await probe(workerData as readonly string[]));
}
