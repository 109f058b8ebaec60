// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/timeline/ddl.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "schemas_timeline_sql.h"  // generated from timeline.sql
#include "schemas_views_sql.h"     // generated from views.sql

namespace ridge::timeline {
namespace {

// Statements end with ';' at the end of a line; that is how timeline.sql is written.
std::vector<std::string> statementsOf(std::string_view sql) {
    std::vector<std::string> statements;
    std::string current;
    for (const std::string_view line : split(sql, '\n')) {
        if (current.empty() && (trim(line).empty() || trim(line).starts_with("--"))) continue;
        current.append(line).append("\n");
        if (trim(line).ends_with(";")) {
            statements.push_back(std::move(current));
            current.clear();
        }
    }
    return statements;
}

std::string wordAfter(std::string_view statement, std::string_view prefix) {
    const std::string_view rest = trim(statement.substr(prefix.size()));
    return std::string(rest.substr(0, rest.find_first_of(" (\n")));
}

// Column names: first word of each line between the parentheses, or, on one line, of each comma part.
std::vector<std::string> columnsOf(std::string_view createTable) {
    std::vector<std::string> columns;
    const std::size_t open = createTable.find('(');
    const std::size_t close = createTable.rfind(')');
    const std::string_view body = createTable.substr(open + 1, close - open - 1);
    const char separator = body.find('\n') == std::string_view::npos ? ',' : '\n';
    for (std::string_view part : split(body, separator)) {
        part = trim(part);
        if (part.empty() || part.starts_with("--") || part.starts_with("PRIMARY KEY (")) continue;
        columns.emplace_back(part.substr(0, part.find(' ')));
    }
    return columns;
}

std::vector<TableDdl> parse() {
    std::vector<TableDdl> result;
    const auto byName = [&](const std::string& name) {
        return std::find_if(result.begin(), result.end(), [&](const TableDdl& t) { return t.name == name; });
    };
    for (const std::string& statement : statementsOf(timelineSql())) {
        if (statement.starts_with("CREATE TABLE")) {
            TableDdl table;
            table.name = wordAfter(statement, "CREATE TABLE");
            table.createTable = statement;
            table.columns = columnsOf(statement);
            result.push_back(std::move(table));
        } else if (statement.starts_with("CREATE INDEX")) {
            const std::size_t on = statement.find(" ON ");
            if (auto it = byName(wordAfter(statement, statement.substr(0, on + 4))); it != result.end())
                it->indexes.push_back(statement);
        } else if (statement.starts_with("INSERT INTO")) {
            if (auto it = byName(wordAfter(statement, "INSERT INTO")); it != result.end())
                it->inserts = statement;
        }
    }
    return result;
}

std::vector<ViewDdl> parseViews() {
    constexpr std::string_view kNeeds = "-- needs:";
    std::vector<ViewDdl> result;
    ViewDdl view;
    for (const std::string_view line : split(kViewsSql, '\n')) {
        if (line.starts_with(kNeeds))
            for (const std::string_view table : split(trim(line.substr(kNeeds.size())), ' ')) view.needs.emplace_back(table);
        if (line.starts_with("--") || (view.createView.empty() && trim(line).empty())) continue;
        view.createView.append(line).append("\n");
        if (!trim(line).ends_with(";")) continue;
        view.name = wordAfter(view.createView, "CREATE VIEW");
        result.push_back(std::exchange(view, {}));
    }
    return result;
}

}  // namespace

const std::vector<ViewDdl>& views() {
    static const std::vector<ViewDdl> parsed = parseViews();
    return parsed;
}

std::string viewsFor(const std::set<std::string>& tables, const std::set<std::string>& existing) {
    std::string sql;
    for (const ViewDdl& view : views())
        if (!existing.contains(view.name) && std::all_of(view.needs.begin(), view.needs.end(), [&](const auto& table) { return tables.contains(table); }))
            sql += view.createView;
    return sql;
}

std::string_view timelineSql() { return kTimelineSql; }

const std::vector<TableDdl>& tables() {
    static const std::vector<TableDdl> parsed = parse();
    return parsed;
}

const TableDdl* findTable(std::string_view name) {
    for (const TableDdl& table : tables())
        if (table.name == name) return &table;
    return nullptr;
}

}  // namespace ridge::timeline
