// The installer with --dry-run: the steps it would run, the settings it refuses, and that it changes nothing.
// test/deploy/pi-root.sh is a real run inside an arm64 root.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';

const script = join(packageRoot, 'deploy/install');
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const skip = reasonToSkip();

function reasonToSkip(): string | false {
  const output = (program: string, args: string[]): string =>
    spawnSync(program, args, { encoding: 'utf8', env: { PATH: systemPath } }).stdout ?? '';
  if (output('dpkg', ['--print-architecture']) === '') return 'needs Debian';
  if (!/^v(2[0-9]|[3-9][0-9])/.test(output('node', ['--version']))) return 'needs Node 20 in the system PATH';
  if (existsSync('/etc/roomkin/config.toml')) return 'roomkin is installed on this machine';
  return false;
}

/** Runs the installer with `fakes`, small programs that come before the machine's own in PATH. */
function install(t: Folder, args: readonly string[], fakes: Readonly<Record<string, string>> = {}) {
  const scripts = Object.entries(fakes).map(([name, body]) => [name, `#!/bin/sh\n${body}\n`]);
  const bin = t.testdir(Object.fromEntries(scripts));
  for (const name of Object.keys(fakes)) spawnSync('chmod', ['+x', join(bin, name)]);
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, SUDO_USER: '' };
  const { status, stdout, stderr } = spawnSync(script, args, { encoding: 'utf8', env, input: '' });
  return { status, stdout, stderr };
}
interface Folder {
  testdir(content: Record<string, string>): string;
}

const settings = ['--room', 'lab', '--mqtt', 'mqtts://broker.lan:8883'];

t.test('a dry run names every step in order and changes nothing', { skip }, async (t) => {
  const { status, stdout, stderr } = install(t, ['--dry-run', ...settings]);
  t.equal(status, 0, stderr);
  const steps = [
    'apt-get update',
    'useradd --system',
    'usermod -aG video roomkin',
    'npm ci',
    'scripts/release/slim.js',
    'roomkin --version',
    '-o root -g roomkin /etc/roomkin',
    'would write /etc/roomkin/config.toml for room lab',
    'mv -T /opt/roomkin/.next /opt/roomkin/current',
    '/etc/systemd/system/roomkin.service',
    'roomkin check',
    'systemctl enable roomkin',
    'systemctl restart roomkin',
  ];
  let at = -1;
  for (const step of steps) {
    const next = stdout.indexOf(step, at + 1);
    t.ok(next > at, step);
    at = next;
  }
  for (const path of ['/opt/roomkin', '/etc/roomkin', '/etc/systemd/system/roomkin.service']) {
    t.notOk(existsSync(path), `${path} was not created`);
  }
});

t.test('a 32-bit system is refused, also with a 64-bit kernel', { skip }, async (t) => {
  const fakes = { dpkg: '[ "$1" = --print-architecture ] && echo armhf', uname: 'echo aarch64' };
  const { status, stderr } = install(t, ['--dry-run', ...settings], fakes);
  t.equal(status, 1);
  t.match(stderr, /32-bit system \(armhf\).*64-bit Raspberry Pi OS/);
});

t.test('hostile or missing settings are refused before any step runs', { skip }, async (t) => {
  const bad: [string[], RegExp][] = [
    [[], /give --room ID and --mqtt URL/],
    [['--room', '../x', '--mqtt', 'mqtt://b'], /--room: use/],
    [['--room', 'a|b', '--mqtt', 'mqtt://b'], /--room: use/],
    [['--room', 'lab', '--mqtt', 'http://b'], /--mqtt: use/],
    [['--room', 'lab', '--mqtt', 'mqtt://b"\nx = 1'], /--mqtt: use/],
    [[...settings, '--mqtt-user', 'a|b', '--mqtt-password-file', '/dev/null'], /--mqtt-user: use/],
    [[...settings, '--mqtt-user', 'ada'], /--mqtt-password-file/],
    [['--room'], /--room needs a value/],
  ];
  for (const [args, message] of bad) {
    const { status, stdout, stderr } = install(t, ['--dry-run', ...args]);
    t.equal(status, 1, args.join(' '));
    t.match(stderr, message);
    t.notMatch(stdout, /would run/);
  }
  t.equal(install(t, ['--nonsense']).status, 64);
});

t.test('uninstalling keeps configuration and gallery without --purge', { skip }, async (t) => {
  const { stdout } = install(t, ['--dry-run', '--uninstall']);
  t.match(stdout, /rm -rf \/opt\/roomkin\n/);
  t.notMatch(stdout, /rm -rf \/etc|\/var\/lib\/roomkin\n/);
  t.match(install(t, ['--dry-run', '--uninstall', '--purge']).stdout, /rm -rf \/etc\/roomkin \/var\/lib\/roomkin/);
});

const shellcheck = spawnSync('shellcheck', ['--version']).status === 0;
t.test('shellcheck reports nothing', { skip: shellcheck ? false : 'needs shellcheck' }, async (t) => {
  const { stdout } = spawnSync('shellcheck', [script, join(packageRoot, '.ci/run')], { encoding: 'utf8' });
  t.equal(stdout, '');
});
