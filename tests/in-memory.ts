// Before each test file of the units: a run commits some hundred times, and the disk is waited for each time. What
// a SIGKILL leaves behind is the same in memory, which is where the pages of a killed process are in any case.
const folder = process.env.REDISTILL_TEST_IN_MEMORY;
if (folder !== undefined) {
  for (const name of ["TMPDIR", "TEMP", "TMP"]) process.env[name] = folder;
}
