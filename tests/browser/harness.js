// The page, with what its tests open by themselves within reach: see test_extras.py.

import "../../pipeline/report/page/src/main.js";
import { openCompare, sidesOf } from "../../pipeline/report/page/src/compare.js";
import { merge, byTask, take } from "../../pipeline/report/page/src/model.js";
import { setNights } from "../../pipeline/report/page/src/night.js";
import { openReel } from "../../pipeline/report/page/src/reel.js";

globalThis.page = { byTask, merge, openCompare, openReel, setNights, sidesOf, take };
