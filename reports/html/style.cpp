// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include "reports/common/classes.h"
#include "reports/html/parts.h"

namespace ridge::reports::page {
namespace {

constexpr std::string_view kLight =
    "--bg:#ffffff;--panel:#f6f7f9;--text:#16191d;--soft:#5a626c;--line:#d5d9de;--link:#0057a8;"
    "--good:#00694d;--warn:#8a5200;--bad:#b3261e;--goodbg:#dff3ec;--warnbg:#fdf0d5;--badbg:#fbe3e1;";
constexpr std::string_view kDark =
    "--bg:#14171b;--panel:#1d2126;--text:#e7eaee;--soft:#a3acb6;--line:#383e46;--link:#7cb8f2;"
    "--good:#63d1ae;--warn:#f2bd62;--bad:#ff9a91;--goodbg:#12372d;--warnbg:#3d2e10;--badbg:#45201d;";

constexpr std::string_view kRules = R"css(
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:20px 24px 64px}
h1{font-size:1.55rem;margin:0 0 4px;line-height:1.25}
h2{font-size:1.15rem;margin:40px 0 10px;padding-top:14px;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:18px 0 6px}
p{margin:6px 0}
.soft,.absent{color:var(--soft)}
.absent{background:var(--panel);border-radius:6px;padding:10px 14px}
.small{font-size:.86rem}
code,pre,.mono{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.86em}
pre{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:10px 12px;overflow-x:auto;margin:6px 0;white-space:pre-wrap;overflow-wrap:anywhere}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;margin:12px 0 0}
a{color:var(--link)}
.name{overflow-wrap:anywhere}
.kind{white-space:nowrap}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:6px 10px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);font-size:.85rem;vertical-align:bottom}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
th.n:not(:last-child),td.n:not(:last-child){padding-right:18px}
.chip{display:inline-block;border-radius:4px;padding:0 7px;font-size:.84rem;font-weight:600;background:var(--panel);color:var(--soft);white-space:nowrap}
.chip.good{background:var(--goodbg);color:var(--good)}
.chip.warn{background:var(--warnbg);color:var(--warn)}
.chip.bad{background:var(--badbg);color:var(--bad)}
.mark{display:inline-block;width:.78em;height:.78em;border-radius:2px;margin-right:.45em;border:1px solid var(--line);vertical-align:-.04em}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:10px 0;padding:0;list-style:none;font-size:.88rem}
.legend .soft{font-size:.95em}
.barrow .small{white-space:nowrap}
.barrow{display:grid;grid-template-columns:minmax(150px,290px) 1fr;gap:4px 16px;align-items:center;margin:7px 0}
.bar{display:flex;height:24px;border-radius:4px;overflow:hidden;background:var(--panel);gap:1px}
.bar i{font-style:normal;font-size:.76rem;line-height:24px;text-align:center;overflow:hidden;white-space:nowrap;min-width:1px}
.strip{display:block;width:100%;height:76px;background:var(--panel);border-radius:4px}
.stripbox{margin:10px 0 16px}
.plot{min-width:600px;width:100%;height:auto;display:block}
.plot text{font-family:inherit;fill:var(--text);font-size:12px}
.plot .axis{fill:var(--soft)}
.plot .halo{paint-order:stroke;stroke:var(--bg);stroke-width:3.5px;stroke-linejoin:round}
.plot .grid{stroke:var(--line);stroke-width:.6}
.plot .minor{opacity:.45}
.plot .roof{stroke:var(--text);stroke-width:1.6;fill:none}
.plot .memroof{stroke:var(--soft);stroke-width:1.4;fill:none}
.plot .leader{stroke:var(--soft);stroke-width:.7}
.plot .dot{stroke:var(--bg);stroke-width:1.2;fill-opacity:.85}
.plot .dashed{stroke:var(--text);stroke-dasharray:3 2;fill-opacity:.15}
.spark{display:block;width:100%;height:70px;background:var(--panel);border-radius:4px}
.barrow.one{grid-template-columns:1fr}
.barrow>*{min-width:0}
.barrow.top{align-items:start;margin:16px 0}
.barrow.top .small{white-space:normal}
.dbars{display:grid;grid-template-columns:5.2em 1fr auto;gap:2px 10px;align-items:center;font-size:.86rem}
.dbars span{color:var(--soft)}
.dbars b{font-weight:600;min-width:5.6em;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.dtrack{height:11px;border-radius:3px;background:var(--panel);overflow:hidden}
.dtrack>i{display:block;height:100%;min-width:1px;background:var(--soft)}
.dtrack>.d-low{background:var(--c0)}
.dtrack>.d-high{background:var(--c2)}
.dtrack>.d-measured{background:var(--good)}
.dtrack>.d-compute{background:var(--c0)}
.dtrack>.d-memory{background:var(--c1)}
.dtrack>.d-network{background:var(--c4)}
.curves{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));gap:14px 24px;margin:10px 0}
.finding{background:var(--panel);border-left:5px solid var(--line);border-radius:6px;padding:12px 16px;margin:12px 0}
.finding h3{margin:0 0 6px}
.facts{display:flex;flex-wrap:wrap;gap:4px 26px;margin:4px 0 8px;font-size:.92rem}
.facts b{font-weight:600}
.savings{position:relative;height:8px;border-radius:4px;background:var(--line);margin:4px 0 10px;max-width:420px}
.savings i{position:absolute;top:0;bottom:0;border-radius:4px}
details{margin:6px 0}
details.check{margin:1px 0;font-size:.85rem;color:var(--soft);max-width:44ch}
summary{cursor:pointer;color:var(--link)}
dl{margin:6px 0;display:grid;grid-template-columns:auto 1fr;gap:2px 14px}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
@media (min-width:681px){table.cards td:first-child{min-width:170px}}
@media (max-width:680px){
main{padding:14px 14px 48px}
.barrow{grid-template-columns:1fr}
table.cards thead{display:none}
table.cards,table.cards tbody,table.cards tr,table.cards td{display:block;width:100%}
table.cards tr{border-bottom:1px solid var(--line);padding:8px 0}
table.cards td{border:0;padding:1px 0;display:flex;gap:12px;justify-content:space-between;white-space:normal;text-align:right}
table.cards td.n,table.cards td.n:not(:last-child){padding:1px 0;white-space:normal}
dl{grid-template-columns:fit-content(55%) 1fr}
table.cards td::before{content:attr(data-l);color:var(--soft);text-align:left;flex:none}
table.cards td:first-child{font-weight:600;text-align:left}
table.cards td:first-child::before{content:none}
}
@media print{.finding,.barrow,.stripbox{break-inside:avoid}}
)css";

std::string classVariables(bool dark) {
    std::string out;
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        const ClassLook& l = look(static_cast<WallClass>(c));
        const std::string_view colour = dark ? l.dark : l.light;
        out += fmt::format("--c{}:{};--t{}:{};", c, colour, c, textOn(colour));
    }
    return out;
}

}  // namespace

std::string stylesheet() {
    std::string css = fmt::format(":root{{color-scheme:light dark;{}{}}}\n", kLight, classVariables(false));
    css += fmt::format("@media (prefers-color-scheme:dark){{:root{{{}{}}}}}\n", kDark, classVariables(true));
    for (std::size_t c = 0; c < kWallClassCount; ++c)
        css += fmt::format(".c{0}{{background:var(--c{0});color:var(--t{0});fill:var(--c{0})}}", c);
    return css + std::string(kRules);
}

}  // namespace ridge::reports::page
