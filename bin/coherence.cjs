#!/usr/bin/env node
'use strict';
// CommonJS on purpose: starting Node's module loader takes longer than all that this file does.
const argv = process.argv.slice(2);
void require('../dist/start.cjs').program('cli', argv).main(argv);
