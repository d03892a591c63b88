// A control group whose processes share a part of one CPU: a slow board. Needs root and the cpu controller.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const periodUs = 100_000;
const [first, second] = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup'];

export interface CpuQuota extends Disposable {
  /** Moves a process with all of its threads into the group; its children follow when they are forked. */
  add(pid: number): void;
  /** The share of one CPU, above 0; null: no limit. */
  share(share: number | null): void;
}

/** A new group; null where this process may not make one. Disposing moves the processes out of it. */
export function cpuQuota(name: string): CpuQuota | null {
  const isFirst = existsSync(join(first, 'cpu.cfs_quota_us'));
  const parent = isFirst ? first : second;
  const folder = join(parent, name);
  try {
    if (!isFirst) writeFileSync(join(parent, 'cgroup.subtree_control'), '+cpu');
    mkdirSync(folder);
    if (!existsSync(join(folder, isFirst ? 'cpu.cfs_quota_us' : 'cpu.max'))) {
      rmdirSync(folder);
      return null;
    }
  } catch {
    return null;
  }
  return {
    add: (pid) => writeFileSync(join(folder, 'cgroup.procs'), String(pid)),
    share(share) {
      const quota = share === null ? null : Math.max(1000, Math.round(share * periodUs));
      if (isFirst) writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quota ?? -1));
      else writeFileSync(join(folder, 'cpu.max'), `${quota ?? 'max'} ${periodUs}`);
    },
    [Symbol.dispose]() {
      for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').trim().split('\n').filter(Boolean))
        writeFileSync(join(parent, 'cgroup.procs'), pid);
      rmdirSync(folder);
    },
  };
}
