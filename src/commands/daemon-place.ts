// Where the verbs that talk to the daemon find it, and the check that they were given no arguments they do not know.
import { fail, oneLine } from '../base/errors.js';
import type { Config } from '../config.js';
import { type ControlPlace, controlPlace } from '../service/control-path.js';

/** The control socket of the configured room. */
export function daemonPlace(config: Config): ControlPlace {
  return controlPlace({
    room: config.room.id,
    storeDirectory: config.store.directory,
    configured: config.service.controlSocket,
  });
}

/** Throws USAGE if a verb without arguments was given some. */
export function refuseArguments(argv: readonly string[], usage: string): void {
  if (argv.length > 0) throw fail('USAGE', `${oneLine(argv[0]!, 40)} is not expected here: roomkin ${usage}`);
}
