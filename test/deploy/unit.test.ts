// systemd reads the unit: no unknown key, hardened as documented, and without the settings that are known to break it.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';

const unit = readFileSync(join(packageRoot, 'deploy/systemd/roomkin.service'), 'utf8');
const keys = unit.split('\n').filter((line) => /^[A-Z]/.test(line));
const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;
const skip = analyze ? false : 'needs systemd-analyze';

/** The unit with a program that exists on this machine, as `verify` requires. */
function unitFile(t: { testdir(content: Record<string, string>): string }): string {
  const folder = t.testdir({ 'roomkin.service': '' });
  writeFileSync(join(folder, 'roomkin.service'), unit.replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true'));
  return join(folder, 'roomkin.service');
}

t.test('systemd accepts the unit', { skip }, async (t) => {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', unitFile(t)], { encoding: 'utf8' });
  t.equal(stdout + stderr, '');
  t.equal(status, 0);
});

t.test('the unit is hardened: exposure at most 1.5', { skip }, async (t) => {
  const args = ['security', '--offline=yes', '--threshold=15', '--no-pager', unitFile(t)];
  const { status, stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  t.equal(status, 0, `exposure ${/Overall exposure level.*: (\S+)/.exec(stdout)?.[1]}`);
});

t.test('the unit has the settings that the daemon needs, and none that are known to break it', async (t) => {
  for (const key of [
    'Type=notify',
    'WatchdogSec=90',
    'KillMode=control-group',
    'SupplementaryGroups=video',
    'StateDirectory=roomkin',
    'RuntimeDirectory=roomkin',
    'RuntimeDirectoryPreserve=yes',
    'Restart=always',
    'RestartPreventExitStatus=64 78',
    'ExecReload=/bin/kill -HUP $MAINPID',
    'MemorySwapMax=0',
  ]) {
    t.ok(keys.includes(key), key);
  }
  for (const bad of ['MemoryDenyWriteExecute=', 'PrivateDevices=', 'ProcSubset=']) {
    t.notOk(
      keys.some((key) => key.startsWith(bad)),
      `no ${bad}`,
    );
  }
});
