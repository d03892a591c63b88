// The service of this machine, as far as setup needs it: who may ask the daemon, and whether it becomes ready.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Whether systemd runs here and has the unit. */
export function hasService(): boolean {
  if (!existsSync('/run/systemd/system')) return false;
  return spawnSync('systemctl', ['cat', 'roomkin.service'], { stdio: 'ignore' }).status === 0;
}

/** Enables the service and starts it again. Resolves to whether it became ready. */
export async function startService(signal: AbortSignal): Promise<boolean> {
  spawnSync('systemctl', ['enable', '--quiet', 'roomkin'], { stdio: 'ignore' });
  const child = spawn('systemctl', ['restart', 'roomkin'], { stdio: 'ignore', signal });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(signal.aborted ? signal.reason : error));
    child.once('exit', resolve);
  });
  return status === 0;
}

/**
 * Adds the user who called sudo to the group roomkin, so that `roomkin status` works without sudo. Returns the user's name; null where
 * nothing changed.
 */
export function admitUser(user = process.env['SUDO_USER']): string | null {
  if (user === undefined || user === 'root' || process.getuid?.() !== 0) return null;
  const groups = spawnSync('id', ['-nG', user], { encoding: 'utf8' });
  if (groups.status !== 0 || groups.stdout.trim().split(' ').includes('roomkin')) return null;
  return spawnSync('usermod', ['-aG', 'roomkin', user], { stdio: 'ignore' }).status === 0 ? user : null;
}
