/** Snapshots in pytest: what the run itself would write proves nothing. */
import type { Mistake } from './rig.js';
import { PASS, row, type More } from './pytest-row.js';

const ON = { files: { 'pytest.ini': '[pytest]\naddopts = --snapshot-update\n' } } satisfies More;
const SYRUPY = 'TAG\ndef test_a(snapshot):\n    assert {"a": 1} == snapshot\n';
const TEST = 'TAG\ndef test_a(snapshot):\n    snapshot.assert_match({"a": 1})\n';
const CASE =
  'from snapshottest import TestCase\n\n\nclass TestA(TestCase):\n    TAG\n    def test_a(self):\n        self.assertMatchSnapshot({"a": 1})\n';
const stored = (value: string, id: string): More => ({
  files: {
    'snapshots/__init__.py': '',
    [`snapshots/snap_test_${id}.py`]: `from snapshottest import Snapshot\n\nsnapshots = Snapshot()\n\nsnapshots['test_a 1'] = {'a': ${value}}\n`,
  },
});

/** syrupy and inline-snapshot. */
export const snapshots: readonly Mistake[] = [
  row('s1', 'syrupy, nothing stored', 'not PASS', SYRUPY),
  row('s1b', 'syrupy, nothing stored, --snapshot-update', 'not PASS', SYRUPY, ON),
  row('s1c', 'syrupy, another value stored, --snapshot-update', 'not PASS', SYRUPY, {
    files: {
      ...ON.files,
      '__snapshots__/test_s1c.ambr': "# serializer version: 1\n# name: test_a\n  dict({\n    'a': 2,\n  })\n# ---\n",
    },
  }),
  row('s1d', 'syrupy, the value stored', PASS, SYRUPY, {
    files: {
      '__snapshots__/test_s1d.ambr': "# serializer version: 1\n# name: test_a\n  dict({\n    'a': 1,\n  })\n# ---\n",
    },
  }),
  row(
    's3',
    'inline-snapshot, nothing stored',
    'not PASS',
    'from inline_snapshot import snapshot\n\n\nTAG\ndef test_a():\n    assert 1 + 1 == snapshot()\n',
  ),
  row(
    's3b',
    'inline-snapshot, nothing stored, --inline-snapshot=create',
    'not PASS',
    'from inline_snapshot import snapshot\n\n\nTAG\ndef test_a():\n    assert 1 + 1 == snapshot()\n',
    { files: { 'pytest.ini': '[pytest]\naddopts = --inline-snapshot=create\n' } },
  ),
  row(
    's3c',
    'inline-snapshot, the value stored',
    PASS,
    'from inline_snapshot import snapshot\n\n\nTAG\ndef test_a():\n    assert 1 + 1 == snapshot(2)\n',
  ),
];

export const snapshottest: readonly Mistake[] = [
  row('s2', 'snapshottest, nothing stored', 'not PASS', TEST),
  row('s2b', 'snapshottest of unittest, nothing stored', 'not PASS', CASE),
  row('s2c', 'snapshottest, nothing stored, --snapshot-update', 'not PASS', TEST, ON),
  row('s2d', 'snapshottest, another value stored', 'FAIL(assertion)', TEST, stored('2', 's2d')),
  row('s2e', 'snapshottest, the value stored', PASS, TEST, stored('1', 's2e')),
];
