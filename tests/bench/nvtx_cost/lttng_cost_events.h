/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: The Ridgepoint authors */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER ridge_cost
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./lttng_cost_events.h"
#if !defined(RIDGE_LTTNG_COST_EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define RIDGE_LTTNG_COST_EVENTS_H
#include <lttng/tracepoint.h>
LTTNG_UST_TRACEPOINT_EVENT(ridge_cost, range_begin,
                           LTTNG_UST_TP_ARGS(const char*, name, int, depth),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_string(name, name)
                                                   lttng_ust_field_integer(int, depth, depth)))
LTTNG_UST_TRACEPOINT_EVENT(ridge_cost, range_end, LTTNG_UST_TP_ARGS(int, depth),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, depth, depth)))
#endif
#include <lttng/tracepoint-event.h>
