// The path of the control socket: in the runtime directory under systemd, otherwise beside the gallery.
import { join, resolve } from 'node:path';
import { fail } from '../base/errors.js';

/** `sun_path` holds 108 bytes with its NUL (unix(7)); the kernel would cut a longer path silently or refuse it. */
const maxPathBytes = 107;
const systemRuntimeDirectory = '/run/roomkin';

/** systemd's runtime directory of the daemon; null outside systemd. The unit preserves it over a restart of the service. */
export function runtimeDirectory(env: Readonly<Record<string, string | undefined>> = process.env): string | null {
  return env['RUNTIME_DIRECTORY']?.split(':')[0] || null;
}

/** The second file of the privacy switch's position (store/position-file.ts), in a runtime directory. */
export function positionCopyPath(room: string, runtime: string = runtimeDirectory() ?? systemRuntimeDirectory): string {
  return join(runtime, `${room}.recognition`);
}

export interface SocketPath {
  /** The path on which a daemon started in this environment listens. */
  readonly listen: string;
  /** All paths on which a daemon of this room may listen, the most likely first. */
  readonly connect: readonly string[];
}

/**
 * The paths of the control socket for `room`. `configured` (service.control_socket) overrides all of them.
 * Errors: CONFIG_INVALID if the path cannot be that of a socket.
 * systemd sets `env.RUNTIME_DIRECTORY` only for the daemon, so the command line tries every path.
 */
export function socketPath(
  options: { readonly room: string; readonly storeDirectory: string; readonly configured: string | null },
  env: Readonly<Record<string, string | undefined>> = process.env,
): SocketPath {
  const { room, storeDirectory, configured } = options;
  const runtime = runtimeDirectory(env);
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
