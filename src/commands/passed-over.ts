// What was left out of folders with photos, in words: counted by reason, and named.
import { basename } from 'node:path';
import { type PassedOver, type PassedOverReason, passedOverReasons } from '../camera/photo-files.js';
import { count } from './rows.js';

/** Names in a line; all of them are in the document of `--json`. */
const mostNamed = 8;

/** One line for each reason, after a line with the number of all. Empty without files. */
export function passedOverLines(passedOver: readonly PassedOver[]): string[] {
  if (passedOver.length === 0) return [];
  const reasons = Object.keys(passedOverReasons) as PassedOverReason[];
  const lines = reasons.flatMap((reason) => {
    const files = passedOver.filter((entry) => entry.reason === reason);
    if (files.length === 0) return [];
    const names = files.slice(0, mostNamed).map(({ file }) => (reason === 'subfolder' ? file : basename(file)));
    const more = files.length > mostNamed ? ` and ${files.length - mostNamed} more (--json names all)` : '';
    return [`  ${files.length} ${passedOverReasons[reason]}: ${names.join(', ')}${more}`];
  });
  return [`Passed over: ${count(passedOver.length, 'file')}`, ...lines];
}
