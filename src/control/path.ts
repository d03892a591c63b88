// Where the control socket lies. Under systemd in the runtime directory; by hand beside the gallery.
import { join, resolve } from 'node:path';
import { fail } from '../base/errors.js';

/** `sun_path` holds 108 bytes with its NUL (unix(7)); the kernel would cut a longer path silently or refuse it. */
const maxPathBytes = 107;
const systemRuntimeDirectory = '/run/roomkin';

export interface SocketPath {
  /** Where this room's daemon listens when started in this environment. */
  readonly listen: string;
  /** Everywhere a daemon of this room may listen, most likely first. */
  readonly connect: readonly string[];
}

/**
 * Places of the control socket for `room`; `configured` (service.control_socket) overrides them all.
 * Errors: CONFIG_INVALID where the path cannot be a socket's.
 * `env.RUNTIME_DIRECTORY` is set by systemd for the daemon alone; the command line looks in every place.
 */
export function socketPath(
  options: { readonly room: string; readonly storeDirectory: string; readonly configured: string | null },
  env: Readonly<Record<string, string | undefined>> = process.env,
): SocketPath {
  const { room, storeDirectory, configured } = options;
  const runtime = env['RUNTIME_DIRECTORY']?.split(':')[0];
  const inStore = resolve(storeDirectory, `${room}.sock`);
  const listen = configured ? resolve(configured) : runtime ? join(runtime, `${room}.sock`) : inStore;
  if (Buffer.byteLength(listen) > maxPathBytes) {
    const key = configured ? 'service.control_socket' : 'store.directory';
    throw fail('CONFIG_INVALID', `${key} is too long for a socket (${listen}): at most ${maxPathBytes} bytes in all`);
  }
  const others = configured ? [] : [inStore, join(systemRuntimeDirectory, `${room}.sock`)];
  const connect = [...new Set([listen, ...others])].filter((path) => Buffer.byteLength(path) <= maxPathBytes);
  return { listen, connect };
}
