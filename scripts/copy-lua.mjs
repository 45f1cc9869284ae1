// The compiler copies no Lua: the lock's scripts are put beside the compiled code that reads them.
import { cpSync } from 'node:fs';

cpSync('src/lock/lua', 'dist/src/lock/lua', { recursive: true });
