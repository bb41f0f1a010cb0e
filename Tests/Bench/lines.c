// lines COUNT: a handler that writes COUNT log lines, as JSON objects, as fast as it can.
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
    long lines = count > 1 ? atol(arguments[1]) : 0;
    for (long line = 1; line <= lines; line++) {
        printf("{\"type\":\"log\",\"level\":\"info\",\"message\":\"Processed %ld of %ld files\"}\n", line, lines);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
