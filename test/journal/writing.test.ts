// How much the journal writes to the card, as the kernel counts it.
import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { temporaryFolder } from '../sharing/household.js';

t.setTimeout(300_000);
const child = fileURLToPath(new URL('./journal-day.js', import.meta.url));
/** More than one day shows what it costs to erase the day before. */
const days = process.env['ROOMKIN_DAYS'] ?? '1';

t.test(
  'a day with four hours of one to three faces writes at most 5 MB',
  { skip: existsSync('/proc/self/io') ? false : 'needs /proc/PID/io' },
  async (t) => {
    const directory = temporaryFolder();
    t.teardown(() => rmSync(directory, { recursive: true }));
    const { stdout } = await promisify(execFile)(process.execPath, [child, directory, '4', days]);
    for (const line of stdout.trim().split('\n')) {
      const { diskBytes, callBytes, entries, tracks } = JSON.parse(line);
      t.comment(line);
      t.ok(entries > 10 * tracks, 'the decisions are there');
      // `diskBytes` is 0 in a file system in memory.
      t.ok(Math.max(diskBytes, callBytes) <= 5_000_000, `${diskBytes} bytes on disk, ${callBytes} bytes in calls`);
    }
  },
);
