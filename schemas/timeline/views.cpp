// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/timeline/views.h"

#include <set>
#include <string>

#include "schemas/timeline/ddl.h"

namespace ridge::timeline {

Status createViews(Database& db) {
    std::set<std::string> tables, existing;
    {
        RIDGE_TRY(auto names, db.prepare("SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view')"));
        while (true) {
            RIDGE_TRY(const bool row, names.step());
            if (!row) break;
            (names.text(0) == "view" ? existing : tables).emplace(names.text(1));
        }
    }
    const std::string sql = viewsFor(tables, existing);
    return sql.empty() ? Status() : db.execute(sql);
}

}  // namespace ridge::timeline
