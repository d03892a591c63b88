// Which board this is, as its firmware describes it (the device tree of a Raspberry Pi). Absent values are null.
import { readFileSync } from 'node:fs';
import type { Board } from '../mqtt/discovery.js';

const folder = '/proc/device-tree';

/** Never fails. `root` is prepended to the paths, for tests. */
export function readBoard(root = ''): Board {
  return { model: readText(`${root}${folder}/model`), serial: readText(`${root}${folder}/serial-number`) };
}

/** Texts of the device tree end with NUL. */
function readText(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8').replaceAll('\0', '').trim();
    return text === '' ? null : text.slice(0, 100);
  } catch {
    return null;
  }
}
