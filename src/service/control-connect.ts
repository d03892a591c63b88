// Opens a control socket. Shared by the client and by a starting daemon that asks whether another one is alive.
import { connect, type Socket } from 'node:net';

/** Resolves with a connected socket; rejects with the system's error (ENOENT, ECONNREFUSED, EACCES) or ETIMEDOUT after `timeoutMs`. */
export function connectControl(path: string, timeoutMs = 2000): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: false });
    const late = setTimeout(() => {
      socket.destroy();
      reject(Object.assign(new Error(`no answer from ${path} within ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(late);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
