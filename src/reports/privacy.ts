// What leaves and what is kept: the files of the state directory, and the processes of the daemon with their connections, as the kernel
// lists them. Not what the configuration promises, but what is there.
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { report } from './report.js';

const text = z.string();

export const privacy = report({
  method: 'GET',
  given: z.object({}),
  answer: z.object({
    directory: text,
    /** Every file of the state directory. `picture`: it begins like a picture or a film. */
    files: z.array(z.object({ name: text, bytes: z.number(), picture: z.boolean() })),
    /** The daemon and everything that it has started; empty where no daemon answers. */
    processes: z.array(
      z.object({
        pid: z.number(),
        name: text,
        /** Remote ends of its connections; null where the kernel does not tell them. */
        connections: z.array(text).nullable(),
      }),
    ),
    /** From the configuration. */
    snapshots: z.boolean(),
    look: z.boolean(),
    pagePictures: z.boolean(),
    looksKeptHours: z.number(),
    namesInLog: z.boolean(),
  }),
  make(_, { config, daemon }) {
    const { directory } = config.store;
    return {
      directory,
      files: filesIn(directory),
      processes: daemon === null ? [] : processesOf(daemon),
      snapshots: config.privacy.snapshots,
      look: config.privacy.look,
      pagePictures: config.privacy.pagePictures,
      looksKeptHours: config.privacy.looksKeptMs / 3_600_000,
      namesInLog: config.service.namesInLog,
    };
  },
});

/** How the files of JPEG, PNG, GIF, RIFF (WebP, AVI), TIFF, Matroska, BMP, and of the ISO family (AVIF, HEIC, MP4) begin. */
const pictures: readonly RegExp[] = [
  /^\xff\xd8\xff/,
  /^\x89PNG/,
  /^GIF8/,
  /^RIFF/,
  /^(II\*\0|MM\0\*)/,
  /^\x1aE\xdf\xa3/,
  /^BM.{4}\0\0\0\0/s,
  /^.{4}ftyp/s,
];

function filesIn(directory: string): { name: string; bytes: number; picture: boolean }[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => {
    if (!entry.isFile()) return [];
    const path = join(entry.parentPath, entry.name);
    try {
      const head = beginningOf(path);
      const name = path.slice(directory.length + 1);
      return [{ name, bytes: statSync(path).size, picture: pictures.some((beginning) => beginning.test(head)) }];
    } catch {
      return []; // it is gone meanwhile
    }
  });
}

function beginningOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(16);
    return bytes.toString('latin1', 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

/** `root` and its descendants, in the order of their ids. */
function processesOf(root: number): { pid: number; name: string; connections: string[] | null }[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(readQuietly(`/proc/${entry}/stat`))?.[1];
    if (parent !== undefined) parents.set(Number(entry), Number(parent));
  }
  const isPart = (pid: number): boolean => pid === root || (parents.has(pid) && isPart(parents.get(pid)!));
  return [...parents.keys()]
    .filter(isPart)
    .sort((a, b) => a - b)
    .map((pid) => ({ pid, name: nameOf(pid, root), connections: connectionsOf(pid) }));
}

function nameOf(pid: number, root: number): string {
  if (pid === root) return 'daemon';
  return /engine\/child/.test(readQuietly(`/proc/${pid}/cmdline`))
    ? 'recognition'
    : readQuietly(`/proc/${pid}/comm`).trim();
}

/** Remote addresses of the sockets that the process has open; '' is no such file. */
function connectionsOf(pid: number): string[] | null {
  let links: string[];
  try {
    links = readdirSync(`/proc/${pid}/fd`).map((name) => linkOf(`/proc/${pid}/fd/${name}`));
  } catch {
    return null;
  }
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const remote = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((protocol) =>
    readQuietly(`/proc/${pid}/net/${protocol}`)
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, , address = '', , , , , , , inode = ''] = line.trim().split(/\s+/);
        const end = inodes.has(inode) ? endOf(address) : null;
        return end === null ? [] : [end];
      }),
  );
  return [...new Set(remote)];
}

/** `0100007F:075B` → `127.0.0.1:1883`; null for a socket without a remote end. The kernel writes words of 32 bits in its own order. */
function endOf(address: string): string | null {
  const [host = '', port = ''] = address.split(':');
  if (Number.parseInt(port, 16) === 0) return null;
  const words = host.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)));
  const isMapped = bytes.length === 16 && bytes.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  const shown =
    bytes.length === 4 || isMapped
      ? bytes.slice(-4).join('.')
      : `[${Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! * 256 + bytes[2 * i + 1]!).toString(16)).join(':')}]`;
  return `${shown}:${Number.parseInt(port, 16)}`;
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
